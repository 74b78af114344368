import { stat } from 'node:fs/promises';
import { keyFileIn, loadServiceKey, loadTrustFile, payloadTypes } from '@slipway/identity';
import { afterAll, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';

const terminal = new Terminal();
afterAll(() => terminal.clear());
const dir = terminal.at('data');
const trusted = async () =>
  (await terminal.run(['keys', 'list', '--json'])).json<{ items: { service: string; keyId: string; notAfter?: string }[] }>().items;

describe('keys', () => {
  it('are made for every service, readable by their owner only, and trusted', async () => {
    expect((await terminal.run(['keys', 'init'])).exit).toBe(0);
    expect(((await stat(keyFileIn(dir, 'approval'))).mode & 0o777).toString(8)).toBe('600');
    expect(await trusted()).toHaveLength(7);
    expect((await terminal.run(['keys', 'init'])).exit).toBe(0);
    expect(await trusted()).toHaveLength(7);
  });

  it('are rotated with an overlap, service by service', async () => {
    const before = await loadServiceKey(keyFileIn(dir, 'approval'));
    expect((await terminal.run(['keys', 'rotate', 'approval', '--overlap', '2h'])).exit).toBe(0);
    const keys = (await trusted()).filter(({ service }) => service === 'approval');
    expect(keys.map(({ keyId, notAfter }) => [keyId === before.keyId, notAfter !== undefined])).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  it('are not believed any more once revoked', async () => {
    const key = await loadServiceKey(keyFileIn(dir, 'gateway'));
    expect((await terminal.run(['keys', 'revoke', key.keyId])).exit).toBe(2);
    expect((await terminal.run(['keys', 'revoke', key.keyId, '--yes'])).exit).toBe(0);
    const trust = await loadTrustFile(terminal.at('data', 'trust.json'));
    const bytes = Buffer.from('x');
    expect(trust.verify(payloadTypes.events, bytes, [await key.signer.sign(payloadTypes.events, bytes)], { service: 'gateway' }).ok).toBe(
      false,
    );
    expect((await terminal.run(['keys', 'revoke', key.keyId, '--yes'])).exit).toBe(1);
  });

  it('say whether rows are believed without a good seal, which is asked back before they do', async () => {
    const said = async () => (await loadServiceKey(keyFileIn(dir, 'approval'))).rowSeals;
    expect(await said()).toBe('asked');
    expect((await terminal.run(['keys', 'seals', 'adopt', 'approval'])).exit).toBe(2);
    expect((await terminal.run(['keys', 'seals', 'adopt', 'approval', '--yes'])).exit).toBe(0);
    expect(await said()).toBe('adopted');
    expect((await loadServiceKey(keyFileIn(dir, 'gateway'))).rowSeals).toBe('asked');
    expect((await terminal.run(['keys', 'seals', 'ask'])).out).toContain('are not believed');
    expect(await said()).toBe('asked');
    expect((await terminal.run(['keys', 'seals', 'perhaps'])).exit).toBe(2);
  });

  it('of an unknown service are refused, with the names there are', async () => {
    expect(await terminal.run(['keys', 'rotate', 'aproval'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('source-watcher, image-builder'),
    });
  });
});
