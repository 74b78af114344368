import { auditGenesis } from '@slipway/contracts';
import { canonicalJson, newServiceKeyFile, payloadTypes, serviceKeyOf, type Trust, trustOf } from '@slipway/identity';
import { describe, expect, it } from 'vitest';
import { ChainCheck, type Entry, type Head, hashOf, type Point } from './audit-chain.js';

const at = '2025-01-01T05:00:00.000Z';
const key = serviceKeyOf(newServiceKeyFile('approval', new Date(at)));
const other = serviceKeyOf(newServiceKeyFile('gateway', new Date(at)));
const entryOf = ({ keyId, publicKey, service }: typeof key, more = {}) => ({
  keyId,
  service,
  publicKey,
  may: ['audit-head' as const],
  ...more,
});
const trust = trustOf({ kind: 'slipway-trust', version: 1, keys: [entryOf(key), entryOf(other)] });

function chainOf(count: number, chain = 'shop'): Entry[] {
  const links: Entry[] = [];
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const link = {
      chain,
      sequence,
      at,
      event: `e${sequence}`,
      entry: { what: `decision ${sequence}` },
      previous: links.at(-1)?.hash ?? auditGenesis,
    };
    links.push({ ...link, hash: hashOf(link) });
  }
  return links;
}

async function headOf(entry: Entry, by = key): Promise<Head> {
  const said = { chain: entry.chain, sequence: entry.sequence, hash: entry.hash, at };
  const payload = Buffer.from(canonicalJson(said));
  const signature = await by.signer.sign(payloadTypes['audit-head'], payload);
  return { ...said, envelope: { payloadType: payloadTypes['audit-head'], payload: payload.toString('base64'), signatures: [signature] } };
}

/** `by: null` is without a trust file. */
async function verified(entries: Entry[], head: Head | null, { points = [], by = trust }: { points?: Point[]; by?: Trust | null } = {}) {
  const check = new ChainCheck('shop', points);
  // Page by page, as it comes from the gateway.
  for (let from = 0; from < entries.length; from += 2) check.take(entries.slice(from, from + 2));
  return check.finish(head, by ?? undefined);
}
const codes = ({ findings }: Awaited<ReturnType<typeof verified>>) => findings.map(({ code, sequence }) => [code, sequence]);
const last = (entries: Entry[]) => entries.at(-1)!;

describe('an audit chain', () => {
  it('verifies as it was recorded', async () => {
    const chain = chainOf(5);
    const found = await verified(chain, await headOf(last(chain)));
    expect(found).toMatchObject({ entries: 5, head: { sequence: 5 }, signature: 'checked', findings: [], warnings: [] });
  });

  it('shows an entry that was changed', async () => {
    const chain = chainOf(5);
    const head = await headOf(last(chain));
    chain[2] = { ...chain[2]!, entry: { what: 'something else' } };
    expect(codes(await verified(chain, head))).toEqual([['rewritten', 3]]);
  });

  it('shows a change in any field, the event’s id and the time too', async () => {
    for (const change of [{ event: 'x' }, { at: '2020-01-01T00:00:00.000Z' }, { chain: 'shoq' }]) {
      const chain = chainOf(3);
      const head = await headOf(last(chain));
      chain[0] = { ...chain[0]!, ...change };
      expect(codes(await verified(chain, head)).at(-1)).toEqual(['rewritten', 1]);
    }
  });

  it('shows an entry changed together with its own hash', async () => {
    const chain = chainOf(5);
    const head = await headOf(last(chain));
    const changed = { ...chain[2]!, entry: { what: 'something else' } };
    chain[2] = { ...changed, hash: hashOf(changed) };
    expect(codes(await verified(chain, head))).toEqual([['rewritten', 4]]);
  });

  it('shows a chain rewritten to its end by the head that was signed', async () => {
    const head = await headOf(last(chainOf(5)));
    const rewritten: Entry[] = [];
    for (const { hash: _, ...link } of chainOf(5)) {
      const relinked = { ...link, entry: { what: 'all lies' }, previous: rewritten.at(-1)?.hash ?? auditGenesis };
      rewritten.push({ ...relinked, hash: hashOf(relinked) });
    }
    expect(codes(await verified(rewritten, head))).toEqual([['rewritten', 5]]);
  });

  it('shows a gap, and names what is missing', async () => {
    const chain = chainOf(6);
    const found = await verified(chain.toSpliced(2, 2), await headOf(last(chain)));
    expect(codes(found)).toEqual([['gap', 5]]);
    expect(found.findings[0]?.message).toBe('entries 3 to 4 are missing before entry 5');
  });

  it('shows that the beginning is missing', async () => {
    const chain = chainOf(3);
    expect(codes(await verified(chain.slice(1), await headOf(last(chain))))).toEqual([['gap', 2]]);
  });

  it('shows a cut end', async () => {
    const chain = chainOf(5);
    const found = await verified(chain.slice(0, 3), await headOf(last(chain)));
    expect(codes(found)).toEqual([['truncated', 5]]);
    expect(codes(await verified([], await headOf(last(chain))))).toEqual([['truncated', 5]]);
  });

  it('shows a chain cut together with its head to whoever saw it longer', async () => {
    const chain = chainOf(5);
    const shorter = chain.slice(0, 3);
    const seen = { sequence: 5, hash: last(chain).hash };
    expect(codes(await verified(shorter, await headOf(last(shorter)), { points: [seen] }))).toEqual([['truncated', 5]]);
    expect(codes(await verified(chain, await headOf(last(chain)), { points: [{ ...seen, hash: chain[0]!.hash }] }))).toEqual([
      ['rewritten', 5],
    ]);
  });

  it('shows entries that came twice or in another order', async () => {
    const chain = chainOf(4);
    const head = await headOf(last(chain));
    expect(codes(await verified([chain[0]!, chain[1]!, chain[1]!, chain[2]!, chain[3]!], head))).toEqual([['rewritten', 2]]);
    expect(codes(await verified([chain[1]!, chain[0]!, chain[2]!, chain[3]!], head)).length).toBeGreaterThan(0);
  });

  it('wants a head, and every entry below it', async () => {
    const chain = chainOf(4);
    expect(codes(await verified(chain, null))).toEqual([['unsigned', null]]);
    expect(codes(await verified(chain, await headOf(chain[1]!)))).toEqual([['unsigned', 3]]);
    expect(await verified([], null)).toMatchObject({ entries: 0, findings: [] });
  });
});

describe('the head of a chain', () => {
  const chain = chainOf(2);

  it('is not believed from another service, another key, or changed', async () => {
    const stranger = serviceKeyOf(newServiceKeyFile('approval', new Date(at)));
    expect(codes(await verified(chain, await headOf(last(chain), other)))).toEqual([['bad-head', 2]]);
    expect(codes(await verified(chain, await headOf(last(chain), stranger)))).toEqual([['bad-head', 2]]);
    const head = await headOf(last(chain));
    const envelope = {
      ...(head.envelope as { payload: string }),
      payload: Buffer.from(canonicalJson({ ...head, sequence: 1, envelope: undefined })).toString('base64'),
    };
    expect(codes(await verified(chain, { ...head, envelope }))).toEqual([['bad-head', 2]]);
    expect(codes(await verified(chain, { ...head, envelope: null }))).toEqual([['bad-head', 2]]);
  });

  it('counts as what is signed, not as what is written beside it', async () => {
    const head = await headOf(last(chain));
    expect(await verified(chain, { ...head, sequence: 99, hash: 'f'.repeat(64) })).toMatchObject({ head: { sequence: 2 }, findings: [] });
  });

  it('of another chain is none', async () => {
    expect(codes(await verified(chain, await headOf(last(chainOf(2, 'hats')))))).toEqual([['bad-head', 2]]);
  });

  it('by a key that was rotated since is believed, and that is said', async () => {
    const ended = trustOf({ kind: 'slipway-trust', version: 1, keys: [entryOf(key, { notAfter: '2025-01-01T06:00:00.000Z' })] });
    const found = await verified(chain, await headOf(last(chain)), { by: ended });
    expect(found.findings).toEqual([]);
    expect(found.warnings).toEqual([expect.stringContaining('has ended')]);
  });

  it('stays unchecked without a trust file, and that is said', async () => {
    const found = await verified(chain, await headOf(last(chain)), { by: null });
    expect(found).toMatchObject({ findings: [], signature: 'unchecked' });
    expect(found.warnings[0]).toContain('--trust-file');
  });
});
