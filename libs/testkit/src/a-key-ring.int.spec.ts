import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { aKeyRing } from './a-key-ring.js';

describe('a key ring', () => {
  it('has a key for every service that the trust file believes, and leaves nothing behind', async () => {
    const { keys, trust, dir, drop } = await aKeyRing();
    const payload = Buffer.from('{}');
    const type = 'application/vnd.slipway.event+json;version=1';
    const signature = await keys.approval.signer.sign(type, payload);
    expect(trust.verify(type, payload, [signature], { service: 'approval' })).toMatchObject({ ok: true });
    expect(trust.verify(type, payload, [signature], { service: 'gateway' })).toMatchObject({ ok: false });
    await drop();
    await expect(stat(dir)).rejects.toThrow('ENOENT');
  });
});
