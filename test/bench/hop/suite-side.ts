// One end of a hop as services do it: node suite-side.ts speaks|hears, the rest in the environment.
import { defineEvent, EventDeadLettered, EventNoted, LogAppended, type Service } from '@slipway/contracts';
import { loadServiceKey, loadTrustFile } from '@slipway/identity';
import { KafkajsEventLog, Messaging, messagingMigrations, type Received, type Subscriptions, type UnitOfWork } from '@slipway/messaging';
import { Database, schemaOf } from '@slipway/postgres';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { v7 } from 'uuid';
import { z } from 'zod';
import { Arrivals, now, onOrder, openLoop, report } from './parent.ts';

const data = z.object({ number: z.int(), words: z.string() });
/** Must be answered, as most events of a release must. */
const Asked = defineEvent({
  name: 'bench.asked',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'release',
  actedOnBy: ['image-builder'],
  data,
});
const Answered = defineEvent({ name: 'bench.answered', writer: 'image-builder', topic: 'builds', about: 'release', data });

const role = process.argv[2] === 'speaks' ? 'speaks' : 'hears';
const service: Service = role === 'speaks' ? 'source-watcher' : 'image-builder';
const {
  DATABASE_URL: url = '',
  KAFKA_BROKERS: brokers = '',
  KEY_FILE: keyFile = '',
  TRUST_FILE: trustFile = '',
  TOPIC_PREFIX: topicPrefix = '',
} = process.env;

const logger = pino({ level: 'silent' });
const database = await Database.connect({ url, schema: schemaOf(service), applicationName: `bench ${service}` });
await database.migrate(messagingMigrations, 'messaging');
await database.query('create table if not exists heard (id uuid primary key, number int not null, words text not null)');
const messaging = new Messaging({
  service,
  database,
  log: new KafkajsEventLog({ clientId: `bench-${service}`, brokers: brokers.split(','), logger }),
  signer: (await loadServiceKey(keyFile)).signer,
  trust: await loadTrustFile(trustFile),
  registry: new Registry(),
  logger,
  topicPrefix,
  catalog: [Asked, Answered, EventNoted, EventDeadLettered, LogAppended],
});
const arrivals = new Arrivals();
await messaging.start(
  role === 'hears'
    ? (new Map([[Asked, { handle: hear }]]) as Subscriptions)
    : (new Map([[Answered, { handle: async () => {} }]]) as Subscriptions),
);

onOrder(
  (order) => {
    if (order.do === 'collect') arrivals.collect(order.count);
    else void openLoop(order.count, order.everyMs, speak).then((times) => report({ said: 'times', times }));
  },
  () => messaging.stop(5000),
);

/** A's side: its state changes and it says so, in one transaction. */
async function speak(number: number): Promise<readonly [string, number]> {
  const id = v7();
  await messaging.transact(async (unit) => {
    await keep(unit, id, number);
    unit.publish(Asked, { id, subject: v7(), data: { number, words: 'x'.repeat(800) } });
  });
  return [id, now()];
}

/** B's side: its state changes and it answers, in one transaction. */
async function hear(event: Received<typeof Asked>, unit: UnitOfWork): Promise<void> {
  await keep(unit, event.id, event.data.number);
  unit.publish(Answered, { subject: event.subject, data: { number: event.data.number, words: '' } });
  unit.tx.afterCommit(() => arrivals.arrived(event.id, now()));
}

async function keep({ tx }: UnitOfWork, id: string, number: number): Promise<void> {
  await tx.query('insert into heard (id, number, words) values ($1, $2, $3)', [id, number, 'x'.repeat(800)]);
}
