import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ApprovalGranted,
  AuditLinked,
  auditGenesis,
  type DataOf,
  EnvironmentDrifted,
  EnvironmentHeld,
  EnvironmentUnheld,
  EventDeadLettered,
  LogAppended,
  RolloutStarted,
  RolloutSucceeded,
  SourceFailed,
  SourceRecovered,
} from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import { KafkajsEventLog } from '@slipway/messaging';
import { anId, eventually, realParts } from '@slipway/testkit';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archiving } from './archiving.js';
import { aScene, imageOf, problemOf, provenance, type Scene } from './gateway.fixture.js';

let scene: Scene;

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
});
afterAll(() => scene?.stage.clear());

const books = [
  'release',
  'release_event',
  'request',
  'environment',
  'command',
  'answer',
  'dead_letter_told',
  'audit_link',
  'audit_head',
  'source_told',
];
const dump = async () => {
  const all: Record<string, string[]> = {};
  for (const book of books) {
    const rows = await scene.stage.database.query<{ row: string }>(`select b::text as row from slipway_gateway.${book} b order by 1`);
    all[book] = rows.map(({ row }) => row);
  }
  return all;
};
/** Rows the ledger had before: asking for the fold added its own. */
const ofBefore = (after: Record<string, string[]>, before: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(after).map(([book, rows]) => [book, rows.filter((row) => before[book]?.includes(row))]));
/** Asks for it as an administrator does, and waits until it is over. */
const fold = async (task: 'rebuild' | 'check') => {
  const { api } = scene.administrator;
  const ask = { body: { reason: 'to see whether it is the same' } };
  const { command } = await (task === 'check' ? api.checkLedger(ask) : api.rebuildLedger(ask));
  return await eventually(async () => {
    const { fold: last } = await api.getLedger({});
    if (last?.command !== command || last.finishedAt === null) throw new Error(`it is not over: ${JSON.stringify(last)}`);
    return last;
  });
};
const journal = <T = { count: number }>(sql: string) => scene.stage.database.query<T>(sql.replaceAll('JOURNAL', 'slipway_gateway.journal'));

/** A release with all that can happen to it, and things of the installation beside it. */
async function muchHappens(): Promise<void> {
  const release = await scene.aBuiltRelease('shop', 1);
  const { request, asks } = await scene.aRequest(release);
  const { stage } = scene;
  const subject = release.id;
  const here = { release, environment: 'pre-release' };
  const failed = { reason: { code: 'gone', message: 'no such repository' }, since: '2026-11-23T04:00:00.000Z' };
  await stage.say('source-watcher', SourceFailed, { subject: 'shop', data: { project: 'shop', ...failed } });
  await stage.say('approval', ApprovalGranted, {
    subject,
    data: {
      ...here,
      request,
      asks,
      grant: provenance,
      provenance,
      verdict: provenance,
      byPolicy: false,
      reissued: false,
      authors: [],
      signOffs: [],
    },
  });
  const rollout = {
    ...here,
    rollout: anId(),
    kind: 'rollout' as const,
    stage: 'pre-release' as const,
    image: imageOf(release),
    grant: anId(),
  };
  await stage.say('production-rollout', RolloutStarted, { subject, data: { ...rollout, attempt: 1, replaces: null } });
  await stage.say('production-rollout', RolloutSucceeded, {
    subject,
    data: { ...rollout, asks, address: 'http://127.0.0.1:20000', instances: 2, seconds: 4, leadSeconds: 60 },
  });
  const by = { id: anId(), name: 'Tess' };
  await stage.say('test-deployer', EnvironmentHeld, {
    subject: 'shop/test',
    data: { project: 'shop', environment: 'test', by, reason: 'looking', until: null },
  });
  const withdrawing = scene.administrator.api.withdrawRelease({ params: { id: release.id }, body: { reason: 'no' } });
  await scene.answerCommand('approval', { message: 'withdrawn' });
  await withdrawing;
  await stage.say('notifier', EventDeadLettered, { subject: 'installation', data: deadLetter });
  await stage.say('approval', AuditLinked, { subject: 'shop', data: links('shop', 3) });
  await eventually(async () => (await scene.administrator.api.audit({ query: { project: 'shop' } })).head?.sequence === 3);
}

const deadLetter = {
  service: 'notifier' as const,
  topic: 't',
  partition: 1,
  offset: '7',
  event: null,
  name: null,
  reason: 'not-json: x',
  stack: null,
};

function links(chain: string, count: number): DataOf<typeof AuditLinked> {
  const made: DataOf<typeof AuditLinked>['links'] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    const link = {
      chain,
      sequence,
      at: new Date().toISOString(),
      event: anId(),
      entry: { said: sequence },
      previous: made.at(-1)?.hash ?? auditGenesis,
    };
    made.push({ ...link, hash: digestOf(link) });
  }
  const last = made.at(-1) as (typeof made)[number];
  const head = { chain, sequence: last.sequence, hash: last.hash, at: last.at };
  return { chain, links: made, head: { ...provenance, payload: Buffer.from(JSON.stringify(head)).toString('base64') } };
}

describe('the journal', () => {
  it('has every event once, as it was received, and the ledger folded anew from it is the same', async () => {
    await muchHappens();
    await eventually(async () => {
      const [row] = await journal('select count(distinct event_id)::int as count from JOURNAL');
      return row?.count === scene.stage.heard.length;
    });
    const [twice] = await journal('select count(*)::int - count(distinct event_id)::int as count from JOURNAL');
    expect(twice?.count).toBe(0);
    const [held] = await journal<{ headers: Record<string, string>; value: Buffer }>(
      "select headers, value from JOURNAL where name = 'environment.held'",
    );
    const heard = scene.stage.heard.find(({ name }) => name === 'environment.held');
    expect(held?.value.equals(heard?.raw.value as Buffer)).toBe(true);
    expect(held?.headers).toEqual(heard?.raw.headers);

    const before = await dump();
    expect(Object.values(before).every((rows) => rows.length > 0)).toBe(true);
    const heardBefore = scene.stage.heard.length;
    expect((await fold('rebuild')).events).toBeGreaterThanOrEqual(heardBefore);
    expect(ofBefore(await dump(), before)).toEqual(before);
  });

  it('tells which rows of the ledger are not what it says, and mends them when the ledger is folded anew', async () => {
    expect(await fold('check')).toMatchObject({ state: 'done', differing: 0, differences: [] });
    const before = await dump();
    const ledger = (sql: string) => scene.stage.database.query(`set search_path = slipway_gateway; ${sql}`);
    await ledger("update release set phase = 'detected' where number = 1");
    await ledger("delete from environment where environment = 'test'");
    await ledger("insert into source_told values ('nobody', now(), null)");
    const { differing, differences } = await fold('check');
    expect(differing).toBe(3);
    expect(differences).toEqual([
      { book: 'release', key: expect.any(String), what: 'differs', release: 'shop/1' },
      { book: 'environment', key: 'shop/test', what: 'missing', release: null },
      { book: 'source_told', key: 'nobody', what: 'extra', release: null },
    ]);
    expect(await fold('rebuild')).toMatchObject({ state: 'done', step: 'over', error: null });
    expect(ofBefore(await dump(), before)).toEqual(before);
    expect(await fold('check')).toMatchObject({ differing: 0 });
  });

  it('keeps the shape of the ledger when that is folded anew', async () => {
    const shape = () =>
      scene.stage.database.query(
        "select tablename, indexdef from pg_indexes where schemaname = 'slipway_gateway' and tablename <> 'operation' order by indexname",
      );
    const before = await shape();
    await fold('rebuild');
    expect(await shape()).toEqual(before);
  });

  it('lets nobody but administrators fold the ledger anew', async () => {
    const otto = await scene.join('Otto', [{ role: 'operator', project: '*' }]);
    expect((await problemOf(otto.api.rebuildLedger({ body: { reason: 'x' } }))).status).toBe(403);
    expect((await problemOf(otto.api.getLedger({}))).status).toBe(403);
  });

  it('is kept in a partition of its month', async () => {
    const [row] = await journal<{ table: string }>('select distinct tableoid::regclass::text as table from JOURNAL');
    expect(row?.table).toMatch(/journal_\d{4}_\d{2}$/);
  });

  it('moves old months to files, from which the ledger is folded just the same', async () => {
    const before = await dump();
    await journal('create table slipway_gateway.journal_2020_01 (like JOURNAL including all)');
    await journal(`with old as (delete from JOURNAL returning *) insert into slipway_gateway.journal_2020_01
      select seq, '2020-01-15'::timestamptz + seq * interval '1 second', event_id, name, source, subject, project, release, headers, value from old`);
    await journal(`alter table JOURNAL attach partition slipway_gateway.journal_2020_01 for values from ('2020-01-01') to ('2020-02-01')`);
    await scene.gateway.app.get(Archiving).run(new AbortController().signal);
    const [left] = await journal("select count(*)::int as count from JOURNAL where received_at < '2021-01-01'");
    expect(left?.count).toBe(0);
    const heardBefore = scene.stage.heard.length;
    expect((await fold('rebuild')).events).toBeGreaterThanOrEqual(heardBefore);
    expect(ofBefore(await dump(), before)).toEqual(before);
    const file = join(scene.stage.environment['SLIPWAY_DATA_DIR'] as string, 'journal', '2020-01.ndjson.gz');
    await appendFile(file, 'x');
    const refused = await problemOf(scene.administrator.api.rebuildLedger({ body: { reason: 'to see' } }));
    expect(refused).toMatchObject({ status: 409, detail: expect.stringMatching(/2020-01\.ndjson\.gz is not the file that was written/) });
    expect((await scene.administrator.api.getLedger({})).fold).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('2020-01'),
    });
    expect(ofBefore(await dump(), before)).toEqual(before);
  });
});

describe('the ledger', () => {
  it('tells what runs in an environment, and who holds it', async () => {
    const { items } = await scene.administrator.api.listEnvironments({ params: { project: 'shop' } });
    expect(items.map(({ environment }) => environment)).toEqual(['test', 'pre-release', 'production']);
    expect(items[0]?.held).toMatchObject({ by: { name: 'Tess' }, reason: 'looking' });
    expect(items[1]).toMatchObject({ running: { release: { number: 1 }, address: 'http://127.0.0.1:20000' }, instances: 2, rolling: null });
    expect(items[1]?.history).toMatchObject([{ release: 1, how: 'rolled-out', seconds: 4 }]);
    expect(items[2]?.running).toBeNull();
  });

  it('gives the audit chain with its hashes and its signed head', async () => {
    const { items, head } = await scene.administrator.api.audit({ query: { project: 'shop', after: 1 } });
    expect(items.map(({ sequence }) => sequence)).toEqual([2, 3]);
    for (const { hash, ...link } of items) expect(digestOf(link)).toBe(hash);
    expect(head).toMatchObject({ sequence: 3, hash: items[1]?.hash });
  });

  it('keeps what stood in a chain, and tells when somebody rewrote it', async () => {
    const { api } = scene.administrator;
    const before = await api.audit({ query: { project: 'shop' } });
    await scene.stage.say('approval', AuditLinked, { subject: 'shop', data: links('shop', 3) });
    const warning = await eventually(async () => (await api.status({})).warnings.find(({ code }) => code === 'audit-conflict') ?? false);
    expect(warning.message).toBe('entry 1 of the audit chain of shop does not fit: another entry stood in its place before');
    expect(await api.audit({ query: { project: 'shop' } })).toEqual(before);
    await scene.stage.database.query('delete from slipway_gateway.audit_conflict');
  });

  it('lists dead letters, and what a command did about them', async () => {
    const { api } = scene.administrator;
    const [letter] = (await api.listDeadLetters({})).items;
    expect(letter).toMatchObject({ ...deadLetter, id: 't:1:7', state: 'open' });
    const discarding = api.discardDeadLetter({ params: { service: 'notifier', id: 't:1:7' }, body: { reason: 'it was a test' } });
    await scene.answerCommand('notifier', { message: 'discarded' });
    expect((await discarding).state).toBe('accepted');
    expect((await api.listDeadLetters({ query: { service: 'notifier' } })).items[0]?.state).toBe('discarded');
  });

  it('deals with dead letters of its own', async () => {
    const { api } = scene.administrator;
    // Nobody signed this: it is a dead letter for whoever reads it.
    const log = new KafkajsEventLog({ clientId: 'somebody', brokers: [...realParts().kafkaBrokers], logger: pino({ level: 'silent' }) });
    const topic = `${scene.stage.environment['SLIPWAY_TOPIC_PREFIX']}people`;
    const headers = { ce_type: 'slipway.person.changed.v1', ce_id: anId(), ce_source: 'gateway', ce_subject: 'x' };
    await log.publish([{ topic, key: 'x', value: Buffer.from('{}'), headers }]);
    await log.close();
    const ours = async () => (await api.listDeadLetters({ query: { service: 'gateway' } })).items[0];
    const letter = await eventually(async () => (await ours()) ?? false);
    const about = { params: { service: 'gateway' as const, id: letter.id }, body: { reason: 'somebody tried' } };
    expect((await problemOf(api.replayDeadLetter(about))).status).toBe(409);
    expect((await api.discardDeadLetter(about)).state).toBe('accepted');
    expect((await ours())?.state).toBe('discarded');
  });

  it('keeps logs in order, each chunk once', async () => {
    const release = await scene.aBuiltRelease('shop', 2);
    const chunk = (number: number, text: string, last = false) =>
      scene.stage.say('image-builder', LogAppended, {
        subject: release.id,
        data: { release: release.id, stream: 'build/1', chunk: number, text, last },
      });
    await chunk(0, 'Step 1\n');
    await chunk(1, 'Step 2\n');
    await chunk(1, 'Step 2\n');
    await chunk(2, 'done 完成\n', true);
    const { api } = scene.administrator;
    const read = (from: number) => api.releaseLogs({ params: { id: release.id }, query: { stream: 'build/1', from } });
    await eventually(async () => (await read(0)).last);
    expect(await read(0)).toEqual({ stream: 'build/1', from: 0, next: 3, text: 'Step 1\nStep 2\ndone 完成\n', last: true });
    expect(await read(2)).toMatchObject({ text: 'done 完成\n', next: 3 });
    expect(await read(3)).toMatchObject({ text: '', next: 3, last: false });
    expect((await api.getRelease({ params: { id: release.id } })).logs).toEqual(['build/1']);
  });

  it('says how the installation is', async () => {
    const status = await scene.administrator.api.status({});
    expect(status.services.find(({ service }) => service === 'image-builder')?.lastHeard).not.toBeNull();
    expect(status.journal.events).toBeGreaterThan(5);
    expect(status.warnings.map(({ code }) => code)).toEqual(['source', 'dead-letters', 'one-administrator']);
    expect(status.stuck).toEqual([]);
  });

  it('says of a source that cannot be read why, since when and what to do, until it can', async () => {
    const { api } = scene.administrator;
    const since = '2026-11-23T05:00:00.000Z';
    const reason = { code: 'authentication', message: 'git.example refuses the password' };
    await scene.stage.say('source-watcher', SourceFailed, { subject: 'shop', data: { project: 'shop', reason, since } });
    const shown = async () => (await api.getProject({ params: { name: 'shop' } })).sourceFailing;
    await eventually(async () => (await shown())?.since === since);
    expect(await shown()).toEqual({ reason, since, mend: expect.stringContaining('password') });
    expect((await api.listProjects({})).items[0]?.sourceFailing).toMatchObject({ reason });
    const { warnings } = await api.status({});
    expect(warnings).toContainEqual({
      code: 'source',
      message: `the source of shop cannot be read since ${since}: git.example refuses the password`,
      mend: expect.stringContaining('password'),
    });
    await scene.stage.say('source-watcher', SourceRecovered, { subject: 'shop', data: { project: 'shop', afterSeconds: 60 } });
    await eventually(async () => (await shown()) === null);
    expect((await api.status({})).warnings.map(({ code }) => code)).not.toContain('source');
  });

  it('says what differs where what runs is not what was approved', async () => {
    const { api } = scene.administrator;
    const release = await scene.aBuiltRelease('shop', 30);
    const drifted = { project: 'shop', environment: 'pre-release', release, found: ['1 of 2 instances serve'], healing: true };
    await scene.stage.say('production-rollout', EnvironmentDrifted, { subject: 'shop/pre-release', data: drifted });
    const shown = async () => (await api.getEnvironment({ params: { project: 'shop', environment: 'pre-release' } })).drift;
    expect(await eventually(async () => (await shown()) ?? false)).toEqual({
      since: expect.any(String),
      found: ['1 of 2 instances serve'],
    });
    expect((await api.status({})).warnings).toContainEqual({
      code: 'drift',
      message: expect.stringMatching(/^what runs in shop pre-release is not what was approved, since .*: 1 of 2 instances serve$/),
      mend: 'slipway environment show shop pre-release',
    });
  });

  it('knows who has had nothing to say yet from who should have answered', async () => {
    const of = async (service: string) => (await scene.administrator.api.status({})).services.find((each) => each.service === service);
    expect(await of('test-deployer')).toMatchObject({ owes: false });
    const silent = { lastHeard: null };
    await scene.stage.database.query("delete from slipway_gateway.journal where source = 'notifier'");
    expect(await of('notifier')).toMatchObject({ ...silent, owes: false });
    await scene.stage.database.query(
      "update slipway_gateway.journal set received_at = received_at - interval '2 minutes' where name = 'command.issued'",
    );
    expect(await of('notifier')).toMatchObject({ ...silent, owes: true });
  });

  it('finds a release that should move and does not', async () => {
    const free = { project: 'shop', environment: 'test', by: null, reason: 'over' };
    await scene.stage.say('test-deployer', EnvironmentUnheld, { subject: 'shop/test', data: free });
    const release = await scene.aBuiltRelease('shop', 3);
    for (const [table, time] of [
      ['release', 'changed_at'],
      ['project', 'applied_at'],
    ])
      await scene.stage.database.query(`update slipway_gateway.${table} set ${time} = now() - interval '11 minutes'`);
    const stuck = await eventually(async () => {
      const found = (await scene.administrator.api.status({})).stuck;
      return found.length > 0 && found;
    });
    expect(stuck).toContainEqual(
      expect.objectContaining({ release: release.id, name: 'shop/3', state: 'testing', waitsFor: 'its turn in test' }),
    );
    const metrics = await (await fetch(new URL('/metrics', scene.gateway.url))).text();
    expect(metrics).toContain('slipway_stuck_releases 1');
    expect(metrics).toMatch(/slipway_releases\{project="shop",state="testing"\} 3/);
    expect(metrics).toMatch(/slipway_journal_events \d+/);
  });
});
