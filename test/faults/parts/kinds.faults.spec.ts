import { services } from '@slipway/contracts';
import { aTopicPrefix, eventually } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataDir, temporaryDataDir } from '../../../tools/parts/data-dir.ts';
import type { Chance, Fault, FaultContext, FaultKind, FaultyParts } from '../fault.js';
import { asAdministrator } from './a-postgres.js';
import { type BareClients, bareClients, type ClientOf } from './bare-clients.js';
import { startFaultyParts } from './index.js';

/** What a client of a part sees of each kind of fault, and nothing else does: who suffers, and how. Kinds that only make it wait are below. */
const seen: Readonly<Record<string, readonly [ClientOf, RegExp]>> = {
  'postgres restarted at once': ['postgres', /ECONNREFUSED|Connection terminated|57P0[123]|ECONNRESET/],
  'postgres cut': ['postgres', /Connection terminated|COMMIT was sent|ECONNRESET/],
  'postgres commits unanswered': ['postgres', /COMMIT was sent/],
  'postgres out of connections': ['postgres', /53300|57P01/],
  'postgres rows locked': ['postgres', /55P03|57014/],
  'postgres refuses transactions': ['postgres', /refused by a fault/],
  'postgres black-holed': ['postgres', /timeout/i],
  'postgres disk full': ['postgres', /No space left|Connection terminated|ECONN|57P0/],
  'kafka killed': ['kafka', /ECONN|[Cc]onnection/],
  'kafka paused': ['kafka', /timed out|timeout|not connected/i],
  'kafka black-holed': ['kafka', /timed out|timeout|not connected/i],
  'kafka replies lost': ['kafka', /[Cc]losed connection|ECONNRESET|disconnected/],
  'docker hangs': ['docker', /cancelled|within/i],
  'registry killed': ['registry', /ECONN|other side closed|SOCKET/],
  'registry in trouble': ['registry', /HTTP (500|503|429)/],
  'registry black-holed': ['registry', /timeout/i],
  'registry cut half-way': ['registry', /ECONN|other side closed|SOCKET|terminated/],
  'network gone': ['postgres', /ECONNREFUSED|Connection terminated/],
  'one service cut off': ['postgres', /ECONNREFUSED|Connection terminated/],
};

/** The middle of everything and the first of everything: one fault of each kind. */
const chance: Chance = { whole: (least, most) => Math.round((least + most) / 2), one: (of) => of[0] as (typeof of)[number] };
/** How long a client has to notice. */
const noticeMs = 20_000;

let dataDir: DataDir;
let parts: FaultyParts;
let clients: BareClients;
let context: FaultContext;
const said: string[] = [];

beforeAll(async () => {
  dataDir = await temporaryDataDir('kinds');
  parts = await startFaultyParts({ dataDir, say: (text) => said.push(text), signal: new AbortController().signal });
  const topicPrefix = aTopicPrefix();
  const admin = new Kafka({ clientId: 'test', brokers: [...parts.straight.kafkaBrokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: `${topicPrefix}a`, numPartitions: 2 }] });
  await admin.disconnect();
  clients = await bareClients(parts, `${topicPrefix}a`);
  const suite = { replicas: [], topicPrefix, databaseUrl: parts.databaseUrl, logs: dataDir.logs };
  context = { say: (text) => said.push(text), signal: new AbortController().signal, suite, hold: async () => undefined };
}, 300_000);
afterAll(async () => {
  await clients?.stop();
  await parts?.close();
  await dataDir?.close();
}, 180_000);

function kindOf(name: string): FaultKind {
  const kind = parts.kinds.find((each) => each.name === name);
  if (kind === undefined) throw new Error(`there is no fault called ${name}: ${said.join('; ')}`);
  return kind;
}

async function whileItLasts(fault: Fault, look: () => Promise<void>, more: Partial<FaultContext> = {}): Promise<void> {
  try {
    await fault.begin({ ...context, ...more });
    await look();
  } finally {
    await fault.end();
  }
}

/** All four parts do again what they are asked to. */
async function allIsWell(): Promise<void> {
  const before = { ...clients.done };
  const those = Object.keys(before) as ClientOf[];
  await eventually(() => those.every((of) => clients.done[of] > before[of]), { within: 90_000, every: 200 });
}

describe('a client without Slipway', () => {
  it.each(Object.entries(seen))('notices "%s", and all is well afterwards', { timeout: 240_000 }, async (name, [of, trouble]) => {
    await allIsWell();
    clients.troubles();
    const fault = kindOf(name).make(chance, 5);
    await whileItLasts(fault, async () => {
      const noticed: string[] = [];
      await eventually(
        () => {
          noticed.push(...clients.troubles()[of]);
          expect(noticed).toContainEqual(expect.stringMatching(trouble));
        },
        { within: noticeMs, every: 200 },
      );
    });
    expect(fault.hurt?.()).toBeGreaterThan(0);
    await allIsWell();
  });

  it('is slowed down and nothing else by what makes a part slow', { timeout: 240_000 }, async () => {
    for (const name of ['postgres slow', 'kafka slow', 'docker slow']) {
      await allIsWell();
      const fault = kindOf(name).make(chance, 5);
      // What was asked before may still be answered fast.
      await whileItLasts(fault, () => allIsWell().then(allIsWell));
      expect(fault.hurt?.(), name).toBeGreaterThan(0);
    }
  });

  it('is led into deadlocks that Postgres counts', { timeout: 120_000 }, async () => {
    const counted = () =>
      asAdministrator(parts.databaseUrl, async (client) => {
        const { rows } = await client.query<{ count: number }>('select sum(deadlocks)::int as count from pg_stat_database');
        return rows[0]?.count ?? 0;
      });
    const before = await counted();
    const fault = kindOf('postgres deadlocks').make(chance, 5);
    await whileItLasts(fault, async () => {
      await eventually(async () => (await counted()) > before + 2, { within: 60_000, every: 500 });
    });
    expect(fault.hurt?.()).toBeGreaterThan(2);
  });

  it('shares its group with a stranger now and then', { timeout: 120_000 }, async () => {
    const { topicPrefix } = context.suite;
    const kafka = new Kafka({ clientId: 'test', brokers: [...parts.straight.kafkaBrokers], logLevel: logLevel.NOTHING });
    const member = kafka.consumer({ groupId: `${topicPrefix}${services[0]}` });
    const joined: number[] = [];
    member.on(member.events.GROUP_JOIN, () => joined.push(performance.now()));
    await member.connect();
    await member.subscribe({ topic: `${topicPrefix}a` });
    await member.run({ eachMessage: async () => {} });
    await eventually(() => joined.length === 1, { within: 20_000 });
    let released = false;
    const hold: FaultContext['hold'] = async (points) => {
      const point = `${services[0]} · on image.built · before commit`;
      // The handler stands there for as long as it is held: it is asked to join anew before it has committed.
      const release = async () => {
        released = true;
      };
      return points.test(point) ? { point, pid: 1, about: [], release, answered: async () => false } : undefined;
    };
    const fault = kindOf('kafka rebalanced').make(chance, 5);
    await whileItLasts(fault, () => eventually(() => released, { within: 30_000 }).then(() => undefined), { hold });
    expect(fault.hurt?.()).toBe(1);
    await member.disconnect();
  });

  it('finds its topic with more partitions, and then without what was in it', { timeout: 120_000 }, async () => {
    const fault = kindOf('kafka partitions raised').make(chance, 0);
    await whileItLasts(fault, async () => {});
    expect(fault.hurt?.()).toBe(1);
    expect(said.at(-1)).toMatch(/has 4 partitions/);
    await allIsWell();
    clients.troubles();
    await whileItLasts(kindOf('kafka topic deleted').make(chance, 0), async () => {
      await eventually(() => clients.troubles().kafka.length > 0, { within: noticeMs, every: 200 });
    });
  });

  it('finds every row that was said to be committed, and every one of which the answer got lost', async () => {
    // As of now: the clients go on.
    const [committed, unknown] = [[...clients.rows.committed], [...clients.rows.unknown]];
    const there = await asAdministrator(parts.databaseUrl, async (client) => {
      const { rows } = await client.query<{ id: string }>('select id from shop.inbox');
      return new Set(rows.map(({ id }) => id));
    });
    expect(committed.filter((id) => !there.has(id))).toEqual([]);
    // Of those nobody knows about: where the answer was dropped they are there, where the server fell they need not be.
    expect(unknown.filter((id) => there.has(id)).length).toBeGreaterThan(0);
  });
});
