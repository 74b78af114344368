import { randomUUID } from 'node:crypto';
import { defineEvent, EventDeadLettered, EventNoted, type Service } from '@slipway/contracts';
import { type Handler, InMemoryEventLog, Messaging, messagingMigrations } from '@slipway/messaging';
import { type Claim, migrations, owe, Pruner, Worker } from '@slipway/operations';
import { Database, schemaOf } from '@slipway/postgres';
import { aDatabase, aKeyRing, eventually, type TestDatabase, type TestKeyRing } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { prunings } from './keeping.js';

const Ordered = defineEvent({
  name: 'test.ordered',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'release',
  actedOnBy: ['image-builder'],
  data: z.object({ what: z.string() }),
});
const catalog = [Ordered, EventNoted, EventDeadLettered];
/** Everything may have been forgotten: a test can't wait for a day. */
const timing = { pollMs: 50, housekeepingMs: 100, resendFirstMs: 200, unforgettableMs: 0 };
const kept = {
  SLIPWAY_KEEP_INBOX_DAYS: 30,
  SLIPWAY_KEEP_OUTBOX_DAYS: 15,
  SLIPWAY_KEEP_OPERATIONS_DAYS: 90,
  SLIPWAY_KEEP_DEAD_LETTERS_DAYS: 90,
};
const logger = pino({ level: 'silent' });
const log = new InMemoryEventLog();
const built: string[] = [];

/** The key is a new one each time: only the inbox stands between this handler and a second build. */
const building: Handler<typeof Ordered> = {
  async handle({ data }, { tx }) {
    await owe(tx, { kind: 'build', key: randomUUID(), input: data });
  },
};
const run = async (claim: Claim<unknown>) => {
  await claim.complete(async () => void built.push((claim.operation.input as { what: string }).what));
  return { done: true as const };
};

let postgres: TestDatabase;
let ring: TestKeyRing;
let watcher: { messaging: Messaging; database: Database };
let builder: { messaging: Messaging; database: Database };
let worker: Worker;

async function service(name: Service) {
  const database = await Database.connect({ url: postgres.url, schema: schemaOf(name), applicationName: name });
  await database.migrate(messagingMigrations, 'messaging');
  await database.migrate(migrations, 'operations');
  const { signer } = ring.keys[name];
  const registry = new Registry();
  return {
    database,
    messaging: new Messaging({ service: name, database, log, signer, trust: ring.trust, registry, logger, catalog, timing }),
  };
}
async function startBuilder() {
  builder = await service('image-builder');
  const { database, messaging } = builder;
  worker = new Worker({
    database,
    messaging,
    registry: new Registry(),
    logger,
    pollMs: 50,
    works: [{ kind: 'build', callTimeoutMs: 100, run }],
  });
  worker.start();
  await messaging.start(new Map([[Ordered, building]]));
}
async function stopBuilder() {
  await builder.messaging.stop(1_000);
  await worker.stop(1_000);
  await builder.database.close();
}

beforeAll(async () => {
  [postgres, ring] = await Promise.all([aDatabase(), aKeyRing()]);
  watcher = await service('source-watcher');
  await watcher.messaging.start();
  await startBuilder();
});
afterAll(async () => {
  await stopBuilder();
  await watcher.messaging.stop(1_000);
  await watcher.database.close();
  await Promise.all([postgres.drop(), ring.drop()]);
});

const rows = async ({ database }: { database: Database }, table: string) => (await database.query(`select * from ${table}`)).length;
const order = (what: string) =>
  watcher.messaging.transact(async (unit) => unit.publish(Ordered, { subject: randomUUID(), data: { what } }));
const builds = (what: string) => built.filter((each) => each === what).length;

/** Built, answered, and so long ago that nothing of it is left in the service that built it. */
async function builtLongAgo(what: string): Promise<string> {
  const id = await order(what);
  await eventually(() => builds(what) === 1);
  await eventually(async () => (await rows(watcher, 'handoff')) === 0);
  const { database } = builder;
  await database.query("update inbox set kept_until = kept_until - interval '100 days'");
  await database.query("update operation set finished_at = finished_at - interval '100 days'");
  await database.query(
    `update outbox set created_at = created_at - interval '100 days', published_at = published_at - interval '100 days'`,
  );
  await new Pruner({ database, prunings: prunings(kept), registry: new Registry(), logger }).run(AbortSignal.timeout(10_000));
  const left = `select event_id from inbox where event_id = $1 union all select event_id from outbox where causation_id = $1
    union all select key from operation`;
  expect(await database.query(left, [id])).toEqual([]);
  return id;
}

describe('work that was done so long ago that everything about it is pruned', () => {
  it('is not done again when its event is said again', async () => {
    const id = await builtLongAgo('said again');
    await watcher.database.query("insert into handoff (event_id, service, next_at) values ($1, 'image-builder', now())", [id]);
    await eventually(async () => (await builder.messaging.deadLetters.list()).some(({ eventId }) => eventId === id));
    await eventually(async () => (await rows(watcher, 'handoff')) === 0);
    expect(await rows(builder, 'operation')).toBe(0);
    expect(builds('said again')).toBe(1);
  });

  it('is not done again when the topics are read from their beginning', async () => {
    const id = await builtLongAgo('read again');
    await stopBuilder();
    await watcher.database.query(`delete from ${schemaOf('image-builder')}.stored_offset`);
    await startBuilder();
    await eventually(async () => (await builder.messaging.deadLetters.list()).some(({ eventId }) => eventId === id));
    const next = await order('next');
    await eventually(() => builds('next') === 1);
    expect((await builder.messaging.deadLetters.list()).some(({ eventId }) => eventId === next)).toBe(false);
    expect(builds('read again')).toBe(1);
  });

  it('is done again where a person, having looked, says so', async () => {
    const [letter] = await builder.messaging.deadLetters.list();
    const { what } = JSON.parse(String((await builder.messaging.deadLetters.show(letter?.id ?? ''))?.record.value)) as { what: string };
    expect(await builder.messaging.deadLetters.replay(letter?.id ?? '', 'ann')).toEqual({ ok: true });
    await eventually(() => builds(what) === 2);
  });
});
