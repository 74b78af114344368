import { readFile, writeFile } from 'node:fs/promises';
import { auditGenesis } from '@slipway/contracts';
import { canonicalJson, initKeys, loadServiceKey, payloadTypes, type ServiceKey } from '@slipway/identity';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { projectFile } from '../answers.example.js';
import { type Entry, type Head, hashOf } from '../audit-chain.js';
import { GatewayDouble } from '../gateway-double.fixture.js';

const at = '2026-11-23T05:00:00.000Z';
const terminal = new Terminal();
let key: ServiceKey;
let double: GatewayDouble;
const chains = new Map<string, { entries: Entry[]; head: Head | null }>();

beforeAll(async () => {
  const ring = await initKeys({ dir: terminal.at('data'), services: ['approval'] });
  key = await loadServiceKey(ring.keyFiles.approval as string);
});
afterEach(() => double.stop());
afterAll(() => terminal.clear());

async function recorded(chain: string, count: number): Promise<void> {
  const entries: Entry[] = [];
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const link = {
      chain,
      sequence,
      at,
      event: `e${sequence}`,
      entry: { what: `decision ${sequence}` },
      previous: entries.at(-1)?.hash ?? auditGenesis,
    };
    entries.push({ ...link, hash: hashOf(link) });
  }
  const said = { chain, sequence: count, hash: entries.at(-1)?.hash ?? auditGenesis, at };
  const payload = Buffer.from(canonicalJson(said));
  const envelope = {
    payloadType: payloadTypes['audit-head'],
    payload: payload.toString('base64'),
    signatures: [await key.signer.sign(payloadTypes['audit-head'], payload)],
  };
  chains.set(chain, { entries, head: { ...said, envelope } });
}

async function aGateway(): Promise<string> {
  const project = {
    name: 'shop',
    version: 1,
    file: projectFile,
    appliedBy: { id: '01900000-0000-7000-8000-000000000042', name: 'Ada' },
    appliedAt: at,
  };
  double = await GatewayDouble.start({
    listProjects: () => ({ items: [project] }),
    audit: ({ query }) => {
      const { entries, head } = chains.get(query['project'] ?? 'installation') ?? { entries: [], head: null };
      const after = Number(query['after']);
      return { items: entries.filter(({ sequence }) => sequence > after).slice(0, Number(query['limit'])), head };
    },
  });
  return double.url;
}

const verify = async (...more: string[]) => terminal.run(['audit', 'verify', '--json', '--url', await aGateway(), ...more]);
const codes = (ran: { json<T>(): T }) =>
  ran
    .json<{ chains: { chain: string; findings: { code: string }[] }[] }>()
    .chains.map(({ chain, findings }) => [chain, ...findings.map(({ code }) => code)]);

describe('audit verify', () => {
  it('verifies every chain of the gateway, over several pages', async () => {
    await recorded('installation', 3);
    await recorded('shop', 1203);
    const ran = await verify();
    expect(ran.exit).toBe(0);
    expect(ran.json()).toMatchObject({
      ok: true,
      chains: [
        { chain: 'installation', entries: 3 },
        { chain: 'shop', entries: 1203, warnings: [] },
      ],
    });
    expect(double.asked.filter(({ route }) => route === 'audit').map(({ query }) => query['after'])).toEqual(['0', '0', '1000']);
  });

  it('ends with 1 and names the entry when one was changed', async () => {
    await recorded('shop', 5);
    const chain = chains.get('shop')!;
    chain.entries[2] = { ...chain.entries[2]!, entry: { what: 'nothing' } };
    const ran = await terminal.run(['audit', 'verify', '--project', 'shop', '--url', await aGateway()], {
      env: { XDG_STATE_HOME: terminal.at('fresh') },
    });
    expect(ran.exit).toBe(1);
    expect(ran.out).toMatch(/^BROKEN {4}shop: 5 entries\n {2}rewritten: entry 3 .* it was changed\n$/);
  });

  it('remembers what it verified, and finds a chain out that was shortened together with its head', async () => {
    const state = { XDG_STATE_HOME: terminal.at('memory') };
    await recorded('shop', 5);
    const url = await aGateway();
    const again = () => terminal.run(['audit', 'verify', '--project', 'shop', '--json', '--url', url], { env: state });
    expect((await again()).exit).toBe(0);
    await recorded('shop', 3);
    const ran = await again();
    expect(ran.exit).toBe(1);
    expect(codes(ran)).toEqual([['shop', 'truncated']]);
    await recorded('shop', 8);
    expect((await again()).exit).toBe(0);
  });

  it('asks again before it speaks of a cut end, as entries may just come in', async () => {
    await recorded('shop', 4);
    const all = chains.get('shop')!;
    const early = all.entries.slice(0, 2);
    chains.set('shop', { ...all, entries: early });
    const url = await aGateway();
    const running = terminal.run(['audit', 'verify', '--project', 'shop', '--url', url], { env: { XDG_STATE_HOME: terminal.at('early') } });
    chains.set('shop', all);
    expect((await running).exit).toBe(0);
    chains.set('shop', { ...all, entries: early });
    expect(
      codes(
        await terminal.run(['audit', 'verify', '--project', 'shop', '--json', '--url', url], {
          env: { XDG_STATE_HOME: terminal.at('late') },
        }),
      ),
    ).toEqual([['shop', 'truncated']]);
  });

  it('refuses a trust file that is not there', async () => {
    expect(await verify('--trust-file', terminal.at('nowhere.json'))).toMatchObject({ exit: 2 });
  });
});

describe('an export', () => {
  it('verifies without any gateway, and shows later what went missing', async () => {
    await recorded('installation', 2);
    await recorded('shop', 6);
    const file = terminal.at('audit.json');
    const env = { XDG_STATE_HOME: terminal.at('export') };
    expect((await terminal.run(['audit', 'export', '--out', file, '--url', await aGateway()])).out).toBe(
      `installation: 2 entries, shop: 6 entries in ${file}\n`,
    );
    await double.stop();
    const alone = await terminal.run(['audit', 'verify', '--file', file, '--url', 'http://127.0.0.1:9'], { env });
    expect(alone).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^verified {2}installation: 2 entries.*\nverified {2}shop: 6 entries, signed head/),
    });

    await recorded('shop', 4);
    expect(codes(await verify('--against', file))).toEqual([['installation'], ['shop', 'truncated', 'truncated']]);
  });

  it('shows tampering in the file', async () => {
    const file = terminal.at('audit.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"decision 2"', '"decision 7"'));
    expect(codes(await terminal.run(['audit', 'verify', '--file', file, '--json']))).toEqual([['installation', 'rewritten'], ['shop']]);
    await writeFile(file, text.slice(0, 100));
    expect(await terminal.run(['audit', 'verify', '--file', file])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('is no export'),
    });
    double = await GatewayDouble.start({});
  });
});
