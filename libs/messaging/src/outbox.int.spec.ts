import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogAppended, services } from '@slipway/contracts';
import { Database } from '@slipway/postgres';
import { aDatabase, aKeyRing, eventually, type TestDatabase, type TestKeyRing } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { InMemoryEventLog } from './adapters/in-memory-event-log.js';
import { type EventLog, type OutRecord, PublishFailed } from './event-log.js';
import { Messaging, type MessagingOptions } from './messaging.js';
import { messagingMigrations } from './migrations/index.js';
import type { Received } from './received.js';
import { hearing, quick, Told, testCatalog } from './two-services.contract.js';

let postgres: TestDatabase;
let ring: TestKeyRing;
let database: Database;
const running: Messaging[] = [];

beforeAll(async () => {
  [postgres, ring] = await Promise.all([aDatabase(), aKeyRing()]);
  database = await Database.connect({ url: postgres.url, schema: 'slipway_source_watcher', applicationName: 'outbox' });
  await database.migrate(messagingMigrations, 'messaging');
});
afterAll(async () => {
  await Promise.all(running.map((messaging) => messaging.stop(1_000)));
  await database.close();
  await postgres.drop();
  await ring.drop();
});

function messagingOver(log: EventLog, more: Partial<MessagingOptions> = {}): Messaging {
  const { signer } = ring.keys['source-watcher'];
  const logger = pino({ level: 'silent' });
  const base = { service: 'source-watcher', database, log, signer, trust: ring.trust, registry: new Registry(), logger } as const;
  const made = new Messaging({ ...base, catalog: testCatalog, timing: quick, ...more });
  running.push(made);
  return made;
}
const tell = (by: Messaging, subject: string, what = 'x') => by.transact(async (unit) => unit.publish(Told, { subject, data: { what } }));
const rows = (keys: string[]) =>
  database.query<{ key: string; id: string; headers: Record<string, string>; event_id: string }>(
    'select * from outbox where key = any($1) order by id',
    [keys],
  );

describe('the outbox', () => {
  it('numbers each key without gap or repetition, in the order of its ids, when replicas say things at once about several keys', async () => {
    const replicas = [1, 2, 3].map(() => messagingOver(new InMemoryEventLog()));
    const keys = ['a', 'b', 'c'].map((key) => `${key}-${randomUUID()}`);
    const undone = new Error('rolled back');
    const isUndone = (at: number) => at % 7 === 0;
    const about = (by: Messaging, at: number) =>
      by.transact(async (unit) => {
        // In either order, and sometimes twice about one: what would lock two transactions up.
        for (const key of at % 2 ? keys : [...keys].reverse()) unit.publish(Told, { subject: key, data: { what: String(at) } });
        if (at % 3 === 0) unit.publish(Told, { subject: keys[0] as string, data: { what: 'again' } });
        if (isUndone(at)) throw undone;
      });
    const all = Array.from({ length: 60 }, (_, at) => at);
    // No more at once than the pool has connections: on a busy machine the others would wait for one longer than they may.
    const lanes = Array.from({ length: 5 }, (_, lane) => all.filter((at) => at % 5 === lane));
    const inLane = async (numbers: number[]) => {
      for (const at of numbers) {
        const error = await about(replicas[at % 3] as Messaging, at).catch((thrown: unknown) => thrown);
        expect(error).toBe(isUndone(at) ? undone : undefined);
      }
    };
    await Promise.all(lanes.map(inLane));
    for (const key of keys) {
      const numbers = (await rows([key])).map(({ headers }) => Number(headers['ce_sequence']));
      const twice = key === keys[0] ? all.filter((at) => at % 3 === 0 && !isUndone(at)).length : 0;
      const said = all.filter((at) => !isUndone(at)).length + twice;
      expect(numbers).toEqual(Array.from({ length: said }, (_, at) => at + 1));
    }
  });

  it('stops a key whose event the log refuses, and nothing else, and goes on where it was', async () => {
    const inner = new InMemoryEventLog();
    const [bad, good] = [randomUUID(), randomUUID()];
    let refusing = true;
    const taken: OutRecord[] = [];
    const log: EventLog = Object.assign(Object.create(inner) as EventLog, {
      publish: async (records: readonly OutRecord[]) => {
        if (refusing && records.some(({ key }) => key === bad)) throw new PublishFailed('refused', new Error('not this one'));
        const places = await inner.publish(records);
        taken.push(...records);
        return places;
      },
    });
    const messaging = messagingOver(log);
    for (let at = 0; at < 3; at++) await Promise.all([tell(messaging, bad, String(at)), tell(messaging, good, String(at))]);
    await messaging.start();
    await eventually(() => taken.filter(({ key }) => key === good).length === 3);
    expect(taken.some(({ key }) => key === bad)).toBe(false);
    const refused = await eventually(
      async () =>
        (await database.query<{ last_error: string }>('select last_error from outbox where key = $1 order by id limit 1', [bad]))[0]
          ?.last_error ?? false,
    );
    expect(refused).toContain('not this one');
    // The clock of the machine is set back meanwhile: how long a key waits is no matter of the time of day.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 600_000 });
    onTestFinished(() => void vi.useRealTimers());
    refusing = false;
    await eventually(() => taken.filter(({ key }) => key === bad).length === 3);
    expect(taken.filter(({ key }) => key === bad).map(({ value }) => JSON.parse(String(value)).what)).toEqual(['0', '1', '2']);
    await messaging.stop(1_000);
  });
});

describe('the relay', () => {
  it('looks again at once where a batch was full, and nowhere else', async () => {
    let looks = 0;
    const watched: Database = Object.assign(Object.create(database) as Database, {
      query: async (sql: Parameters<Database['query']>[0], values?: unknown[]) => {
        if (JSON.stringify(sql).includes('as oldest')) looks++;
        return await database.query(sql, values);
      },
    });
    const messaging = messagingOver(new InMemoryEventLog(), { database: watched, timing: { ...quick, pollMs: 60_000 } });
    const published = async () => (await database.query('select 1 from outbox where published_at is null')).length === 0;
    await messaging.start();
    await tell(messaging, randomUUID());
    await eventually(published);
    looks = 0;
    const key = randomUUID();
    await messaging.transact(async (unit) => {
      for (let at = 0; at < 1_200; at++) unit.publish(Told, { subject: key, data: { what: 'x' } });
    });
    await eventually(published);
    await messaging.stop(1_000);
    // 500, 500 and 200; and the one of its end, which finds nothing.
    expect(looks).toBe(4);
  });
});

describe('a database that became another one while something was published', () => {
  it.each([
    ['the log took it', undefined],
    ['nobody knows whether the log took it', new PublishFailed('unavailable', new Error('no answer'))],
  ])('ends the process: what took the place of what was said is not taken for said, and nothing more is, where %s', async (_, failure) => {
    const inner = new InMemoryEventLog();
    const [said, other] = [randomUUID(), randomUUID()];
    const log: EventLog = Object.assign(Object.create(inner) as EventLog, {
      publish: async (records: readonly OutRecord[]) => {
        await database.query('update outbox set event_id = $2, key = $2 where key = $1', [said, other]);
        const places = await inner.publish(records);
        if (failure) throw failure;
        return places;
      },
    });
    const died: Error[] = [];
    const messaging = messagingOver(log, { topicPrefix: 'fail-over.', onDied: (error) => died.push(error) });
    await tell(messaging, said);
    await messaging.start();
    await eventually(() => died.length === 1);
    expect(died[0]?.message).toContain('became another one');
    expect(messaging.health().reasons.join()).toContain('became another one');
    await messaging.stop(1_000);
    expect(await database.query(`select published_at from outbox where key = $1`, [other])).toEqual([{ published_at: null }]);
    expect(await database.query(`select * from said_place where topic = 'fail-over.commits'`)).toEqual([]);
    await database.query('delete from outbox where key = $1', [other]);
  });
});

describe('a failure between the outbox and the log', () => {
  it('is looked into once: what the database knew then may be forgotten in quiet times', async () => {
    const said = randomUUID();
    const log: EventLog = Object.assign(Object.create(new InMemoryEventLog()) as EventLog, {
      publish: async () => {
        await database.query('update outbox set published_at = now() where key = $1', [said]); // another replica was faster
        throw new PublishFailed('unavailable', new Error('no answer'));
      },
    });
    const asked: string[] = [];
    const watched: Database = Object.assign(Object.create(database) as Database, {
      query: async (sql: Parameters<Database['query']>[0], values?: unknown[]) => {
        const answer = await database.query(sql, values);
        asked.push(JSON.stringify(sql));
        return answer;
      },
    });
    const looks = () => asked.filter((sql) => sql.includes('as oldest')).length;
    const died: Error[] = [];
    const messaging = messagingOver(log, { database: watched, onDied: (error) => died.push(error) });
    await tell(messaging, said);
    await messaging.start();
    await eventually(() => looks() >= 2 && asked.some((sql) => sql.includes('select count(*)::int as count from outbox')));
    await database.query('delete from outbox where key = $1', [said]);
    const before = looks();
    await eventually(() => died.length > 0 || looks() >= before + 2);
    expect(died).toEqual([]);
    await messaging.stop(1_000);
  });
});

describe('log chunks', () => {
  it('reach whoever listens, signed, past the outbox', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-logs-'));
    const heard: Received[] = [];
    const messaging = messagingOver(new InMemoryEventLog(), { spool: { dir } });
    await messaging.start(hearing(heard, LogAppended));
    const release = randomUUID();
    messaging.appendLog({ release, stream: 'build/1', text: 'Step 1/3\n' });
    messaging.appendLog({ release, stream: 'build/1', text: 'Step 2/3\n', last: true });
    await messaging.flushLogs();
    await eventually(() => heard.length === 1);
    expect(heard[0]).toMatchObject({ subject: release, data: { chunk: 0, text: 'Step 1/3\nStep 2/3\n', last: true } });
    expect(heard[0]?.signature).toBeDefined();
    await messaging.stop(1_000);
    await rm(dir, { recursive: true });
  });
});

describe('subscriptions', () => {
  it('are refused at start when an event is there twice or unknown', async () => {
    const twice = new Map([...hearing([], Told), ...hearing([], { ...Told })]);
    await expect(messagingOver(new InMemoryEventLog()).start(twice)).rejects.toThrow('test.told twice');
    const unknown = hearing([], { ...Told, name: 'test.unknown' });
    await expect(messagingOver(new InMemoryEventLog()).start(unknown)).rejects.toThrow('not in the catalog');
  });

  it('read every topic on which answers may come', async () => {
    expect(services).toContain('image-builder');
    const { answerTopics } = await import('./topic-names.js');
    expect([...answerTopics('source-watcher', testCatalog)]).toEqual(['builds']);
    expect([...answerTopics('notifier', testCatalog)]).toEqual([]);
  });
});
