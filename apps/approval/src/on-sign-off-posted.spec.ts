import { type DataOf, type SignOffPosted, SignOffRefused } from '@slipway/contracts';
import type { Received, Said, UnitOfWork } from '@slipway/messaging';
import { anId } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { OnSignOffPosted } from './on-sign-off-posted.js';
import type { Knowledge, Requests } from './ports.js';
import type { Proofs } from './proofs.js';
import type { Settling } from './settling.js';

type Posted = Received<typeof SignOffPosted>;

/** Everything posted is refused, for requests that nobody knows. */
function aHandler() {
  const said: Said<typeof SignOffRefused>[] = [];
  const requests: Pick<Requests, 'find'> = { find: async () => undefined };
  const proofs: Pick<Proofs, 'check'> = { check: async () => ({ ok: false, reason: { code: 'key-unknown', message: 'nobody has it' } }) };
  const handler = new OnSignOffPosted(proofs as Proofs, {} as Knowledge, requests as Requests, {} as Settling);
  const unit = { publish: (_event: unknown, what: Said<typeof SignOffRefused>) => said.push(what) } as unknown as UnitOfWork;
  const post = async (by: Pick<Posted, 'signature'>): Promise<string> => {
    const id = anId();
    const data: DataOf<typeof SignOffPosted> = { request: anId(), proof: { via: 'key', keyId: 'k', jws: 'e30.e30.c2ln' } };
    await handler.handle({ id, data, ...by } as Posted, unit);
    return id;
  };
  return { said, post };
}

describe('a sign-off that is refused', () => {
  it('is told of so often and no more where strangers post it, under one key', async () => {
    const { said, post } = aHandler();
    for (let nth = 0; nth < 5000; nth++) await post({});
    expect(said.length).toBeGreaterThanOrEqual(2000);
    expect(said.length).toBeLessThan(2010);
    expect(new Set(said.map(({ subject }) => subject)).size).toBe(1);
  });

  it('is always told of where the gateway posted it, for somebody waits for the answer', async () => {
    const { said, post } = aHandler();
    for (let nth = 0; nth < 3000; nth++) await post({});
    const id = await post({ signature: { keyId: 'k', envelope: '' } });
    expect(said.at(-1)?.data).toMatchObject({ posted: id, reason: { code: 'key-unknown' } });
  });
});
