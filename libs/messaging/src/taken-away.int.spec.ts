import { randomUUID } from 'node:crypto';
import { type EventDefinition, EventNoted } from '@slipway/contracts';
import { Database } from '@slipway/postgres';
import { aDatabase, aKeyRing, type TestDatabase, type TestKeyRing } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InMemoryEventLog } from './adapters/in-memory-event-log.js';
import { headersOf, signed } from './envelope.js';
import type { ConsumeOptions, EventLog, InRecord } from './event-log.js';
import { NotYet } from './failures.js';
import { Messaging } from './messaging.js';
import { messagingMigrations } from './migrations/index.js';
import type { Handler } from './received.js';
import { quick, Served, testCatalog } from './two-services.contract.js';

let postgres: TestDatabase;
let ring: TestKeyRing;

beforeAll(async () => {
  [postgres, ring] = await Promise.all([aDatabase(), aKeyRing()]);
});
afterAll(async () => {
  await postgres.drop();
  await ring.drop();
});

async function aRecord(offset: number, event: EventDefinition, data: object): Promise<InRecord> {
  const of = {
    id: randomUUID(),
    source: 'image-builder',
    type: event.type,
    time: new Date(),
    subject: 's',
    causationId: randomUUID(),
  } as const;
  const value = Buffer.from(JSON.stringify(data));
  const headers = await signed(headersOf(of), value, ring.keys['image-builder'].signer);
  return { topic: 'slipway.builds', partition: 0, offset: String(offset), key: 's', value, headers, timestamp: Date.now() };
}
const newer = { ...Served, type: 'slipway.test.served.v2' } as typeof Served;
const noted = { event: randomUUID(), outcome: 'noted', reason: null };

it.each([
  ['handled alone', [[Served, { what: 'x' }]]],
  [
    'handled together',
    [
      [Served, { what: 'x' }],
      [Served, { what: 'y' }],
    ],
  ],
  ['parked as too early', [[Served, { what: 'too early' }]], 2],
  ['parked as newer', [[newer, { what: 'x' }]]],
  ['buried', [[Served, { what: 1 }]]],
  ['passed by', [[EventNoted, noted]]],
] as [string, [EventDefinition, object][], number?][])(
  'of a partition taken away before there was a connection nothing is %s',
  async (_how, events, which = 1) => {
    const database = await Database.connect({ url: postgres.url, schema: 'slipway_source_watcher', applicationName: 'taken away' });
    await database.migrate(messagingMigrations, 'messaging');
    let listening: ConsumeOptions | undefined;
    const log: EventLog = Object.assign(Object.create(new InMemoryEventLog()) as EventLog, {
      consume: async (options: ConsumeOptions) => {
        listening = options;
        return { stop: async () => undefined, lag: () => new Map() };
      },
    });
    // The database becomes another one while somebody waits for a connection: everything read from the one before is void.
    const abort = new AbortController();
    let transactions = 0;
    const failingOver = Object.assign(Object.create(database) as Database, {
      transaction: async (fn: Parameters<Database['transaction']>[0]) => {
        if (++transactions === which) abort.abort();
        return await database.transaction(fn);
      },
    });
    const { signer } = ring.keys['source-watcher'];
    const base = {
      service: 'source-watcher',
      catalog: testCatalog,
      registry: new Registry(),
      logger: pino({ level: 'silent' }),
      timing: quick,
    } as const;
    const messaging = new Messaging({ ...base, database: failingOver, log, signer, trust: ring.trust });
    const handling: Handler<typeof Served> = {
      handle: async ({ data }) => {
        if (data.what === 'too early') throw new NotYet('it is not known yet');
      },
      ...(events.length > 1 ? { handleAll: async () => undefined } : {}),
    };
    await messaging.start(new Map([[Served, handling]]));
    const done: InRecord[] = [];
    const records = await Promise.all(events.map(([event, data], at) => aRecord(at, event, data)));
    const control = { signal: abort.signal, beat: async () => undefined, done: (record: InRecord) => void done.push(record) };
    expect(await listening?.onBatch(records, control)).toEqual({});
    expect(done).toEqual([]);
    expect(await database.query('select 1 from stored_offset union all select 1 from inbox')).toEqual([]);
    await messaging.stop(500);
    await database.close();
  },
);
