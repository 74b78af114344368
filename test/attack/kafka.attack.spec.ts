import { catalog, type DataOf, EventDeadLettered, LogAppended } from '@slipway/contracts';
import { type InRecord, KafkajsEventLog, type OutRecord } from '@slipway/messaging';
import { aKeyRing, eventually, realParts } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { forgeriesOf } from '../faults/forging.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { recordOf } from './forged.ts';
import { processOf } from './wire.ts';
import { type AttackedProject, aProject, joinAs, type Somebody } from './world.ts';

const messaging = 'libs/messaging/src';
const services = ['source-watcher', 'image-builder', 'test-deployer', 'approval', 'production-rollout', 'gateway', 'notifier'] as const;
let ear: Ear;
let kafka: Kafka;
let log: KafkajsEventLog;
let project: AttackedProject & { drop(): Promise<void> };
let operator: Somebody;
let releases = 1;

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  kafka = new Kafka({ brokers: [...realParts().kafkaBrokers], logLevel: logLevel.NOTHING });
  log = new KafkajsEventLog({ brokers: realParts().kafkaBrokers, clientId: 'attacker', logger: pino({ level: 'silent' }) });
  operator = await joinAs(on, { roles: [{ role: 'operator', project: '*' }] });
  project = await aProject(on);
  await goesToProduction();
}, 180_000);
afterAll(async () => {
  await ear?.close();
  await log?.close();
  await project?.drop();
}, 60_000);

/** The newest release goes its whole way: whatever was written to Kafka before it stopped nobody. */
async function goesToProduction(): Promise<void> {
  const request = await project.request(releases);
  await operator.api.signOff({ params: { id: request }, body: { decision: 'approve' } });
  await project.reaches(releases, 'production', 'live');
}

async function anotherOne(): Promise<void> {
  releases += 1;
  await project.repository.commit(`page ${releases}`);
  await goesToProduction();
}

/** Every topic of the suite, but those that only other topics' names begin with. */
async function topics(): Promise<string[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return (await admin.listTopics()).filter((name) => name.startsWith(attacked().topicPrefix));
  } finally {
    await admin.disconnect();
  }
}

/** Sends records to a topic as they are. */
async function send(
  topic: string,
  messages: { key?: string | null; value: Buffer | null; headers?: Record<string, string | Buffer> }[],
): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({ topic, messages: messages.map(({ key = null, ...message }) => ({ key, ...message })) });
  } finally {
    await producer.disconnect();
  }
}

/** A genuine record of this event, as it lies there. */
function theTrue(type: string): InRecord & { value: Buffer } {
  const found = ear.records.find(({ headers, value }) => headers['ce_type'] === type && value !== null);
  if (!found?.value) throw new Error(`${type} was never said`);
  return { ...found, value: found.value };
}

const processes = () => Promise.all(services.map((service) => processOf(attacked(), service)));
const letters = () => ear.all(EventDeadLettered).length;

describe('Kafka events', () => {
  attack(
    'K01',
    {
      input:
        'poison in every topic: no value, no headers, 0xFF, half of JSON, JSON of another shape, 990 kB, deep nesting, NUL in attributes, 5,000 headers',
      expected: 'dead letters with a reason, or passed over; no service ends, and the next release goes to production',
      within: 240_000,
      provenBy: [
        { file: `${messaging}/reading.spec.ts`, test: 'finds a value that is %s' },
        { file: `${messaging}/hostile.int.spec.ts`, test: 'is buried, whoever may say it, and the next is handled' },
        { file: `${messaging}/adapters/kafkajs-unreadable.spec.ts`, test: 'gives one record for a batch it cannot read' },
      ],
    },
    async () => {
      const before = await processes();
      const types = [...catalog.values()].map(({ type }) => type);
      const values = [
        null,
        Buffer.alloc(0),
        Buffer.alloc(9, 0xff),
        Buffer.from('{"a":'),
        Buffer.from('[]'),
        Buffer.from('['.repeat(400_000)),
        Buffer.from('{"__proto__":{"admin":true}}'),
      ];
      const attributes = { ce_id: v7(), ce_source: 'approval', ce_subject: 's', ce_specversion: '1.0' };
      let count = 0;
      let refused = 0;
      for (const topic of await topics()) {
        const poison = values.flatMap((value, at) => [
          { value, key: null },
          { value, key: 'k', headers: { ...attributes, ce_type: types[(count + at) % types.length] as string } },
        ]);
        poison.push({
          value: Buffer.from('{}'),
          key: 'k',
          headers: { ...attributes, ce_id: 'a\0b', ce_type: 'slipway.sign-off.posted.v1' },
        });
        poison.push({
          value: Buffer.from('{}'),
          key: 'k',
          headers: Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`ce_h${at}`, 'x'])) as never,
        });
        poison.push({ value: Buffer.alloc(990_000, 0x20), key: 'k', headers: { ...attributes, ce_type: 'slipway.project.applied.v1' } });
        for (const each of poison) {
          // A topic that keeps the newest of each key takes nothing without a key: Kafka itself says so.
          const taken = await send(topic, [each]).then(
            () => true,
            (error: { type?: string }) => {
              if (error.type !== 'INVALID_RECORD' || each.key !== null) throw error;
              return false;
            },
          );
          if (taken) count += 1;
          else refused += 1;
        }
      }
      await anotherOne();
      expect(await processes()).toEqual(before);
      return `${count} poisoned records, ${refused} more that Kafka refused; ${letters()} dead letters, release ${releases} live`;
    },
  );

  attack(
    'K03',
    {
      input: 'every genuine event of a release a thousand times, same id, mixed',
      expected: 'one effect; a thousandth as many releases, rollouts and mails',
      within: 240_000,
      provenBy: [{ file: `${messaging}/messaging.int.spec.ts`, test: 'has one effect, however often it comes' }],
    },
    async (on) => {
      const types = ['commit.detected', 'image.built', 'verification.passed', 'approval.granted', 'rollout.succeeded'];
      const truths = types.map((name) => theTrue(catalog.get(name)?.type as string));
      const count = async () => (await on.administrator.listReleases({ query: { project: project.name, limit: 200 } })).items.length;
      const old = truths[0]?.headers['ce_correlationid'];
      const ofIt = () => ear.once().filter(({ headers }) => headers['ce_correlationid'] === old).length;
      const [known, told, toldOfIt] = [await count(), distinct(), ofIt()];
      for (let round = 0; round < 100; round++)
        await log.publish(
          Array.from({ length: 10 }, () => truths)
            .flat()
            .map(({ topic, key, value, headers }) => ({ topic, key: key as string, value, headers })),
        );
      await anotherOne();
      expect(await count()).toBe(known + 1);
      expect(old).toBeDefined();
      expect(ofIt()).toBe(toldOfIt);
      expect(distinct() - told).toBeLessThan(60);
      return `${truths.length * 1_000} repetitions, ${distinct() - told} new events, all of the release after them`;
    },
  );

  attack(
    'K16',
    {
      input:
        'somebody with the notifier’s place at Kafka, and its key: every decisive event unsigned, signed by it, in its own name, with another subject, id or data; sign-offs and commands of its own',
      expected: 'nobody believes any: nothing is granted, rolled out or withdrawn by them',
      within: 240_000,
      provenBy: [
        { file: 'test/faults/forgeries.e2e.spec.ts', test: 'is refused by everyone who would act on it, however it was made' },
        {
          file: 'test/faults/gateway-forgeries.int.spec.ts',
          test: 'believes no event that was forged, however it was made, and keeps none',
        },
      ],
    },
    async (on) => {
      const ring = await aKeyRing(); // of another installation, with services of the same names (K51)
      const before = letters();
      let count = 0;
      try {
        for (const name of [
          'approval.granted',
          'verification.passed',
          'image.built',
          'project.applied',
          'person.changed',
          'commit.detected',
        ]) {
          const truth = theTrue(catalog.get(name)?.type as string);
          const forged = Object.values(await forgeriesOf(truth, ring));
          await log.publish(forged);
          count += forged.length;
        }
      } finally {
        await ring.drop();
      }
      await eventually(() => letters() - before >= count, { within: 60_000 });
      await anotherOne();
      const { items } = await on.administrator.listReleases({ query: { project: project.name, limit: 200 } });
      expect(items.length).toBe(releases);
      return `${count} forgeries, ${letters() - before} refusals`;
    },
  );

  attack(
    'K17',
    {
      input: 'aborted transactions, committed ones and their markers in every topic',
      expected: 'read past: lag returns to nothing, nothing of an aborted one is seen',
      within: 120_000,
    },
    async () => {
      const producer = kafka.producer({ transactionalId: v7(), idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      const marks = { aborted: v7(), committed: v7() };
      try {
        for (const topic of await topics()) {
          for (const how of ['aborted', 'committed'] as const) {
            const transaction = await producer.transaction();
            await transaction.send({ topic, messages: [1, 2, 3].map(() => ({ key: 'k', value: '{}', headers: { mark: marks[how] } })) });
            await (how === 'aborted' ? transaction.abort() : transaction.commit());
          }
        }
      } finally {
        await producer.disconnect();
      }
      await anotherOne();
      const heard = (mark: string) => ear.records.filter(({ headers }) => headers['mark'] === mark).length;
      await eventually(() => heard(marks.committed) > 0);
      expect(heard(marks.aborted)).toBe(0);
      const lag = await eventually(
        async () => {
          const metrics = await Promise.all(
            Object.values(attacked().ports).map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
          );
          const behind = metrics.flatMap((text) => [...text.matchAll(/^slipway_consumer_lag\{[^}]*\} ([1-9]\d*)/gm)]);
          return behind.length === 0 ? 'none' : false;
        },
        { within: 60_000 },
      );
      return `lag: ${lag}`;
    },
  );

  attack(
    'K19',
    {
      input: 'kafka_replyTopic, kafka_correlationId, reply-to and content-type of other frameworks on genuine and on forged events',
      expected: 'nobody writes to a topic that a message names',
      within: 120_000,
    },
    async () => {
      const admin = kafka.admin();
      await admin.connect();
      const topic = `${attacked().topicPrefix}hijacked`;
      try {
        await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
        const truth = theTrue(catalog.get('commit.detected')?.type as string);
        const headers = {
          kafka_replyTopic: topic,
          kafka_correlationId: v7(),
          kafka_replyPartition: '0',
          'reply-to': topic,
          ce_replyto: topic,
        };
        for (const extra of [headers, { ...headers, ce_replyto: '' }])
          await log.publish([
            {
              topic: truth.topic,
              key: truth.key as string,
              value: truth.value,
              headers: { ...truth.headers, ...extra },
            } satisfies OutRecord,
          ]);
        await anotherOne();
        const [end] = await admin.fetchTopicOffsets(topic);
        expect(end?.high).toBe('0');
      } finally {
        await admin.deleteTopics({ topics: [topic] }).catch(() => undefined);
        await admin.disconnect();
      }
      return 'nothing was written there';
    },
  );

  attack(
    'K15',
    {
      input: 'the partitions of every topic raised while releases go on',
      expected: 'each release has its one story: no event twice, none out of its number',
      within: 240_000,
    },
    async () => {
      const admin = kafka.admin();
      await admin.connect();
      try {
        const names = (await topics()).filter((name) => !/people|projects|targets/.test(name));
        const { topics: found } = await admin.fetchTopicMetadata({ topics: names });
        const going = anotherOne();
        await admin.createPartitions({
          topicPartitions: found.map(({ name, partitions }) => ({ topic: name, count: partitions.length * 2 })),
        });
        await going;
      } finally {
        await admin.disconnect();
      }
      await anotherOne();
      const [a, b] = await Promise.all(
        [releases - 1, releases].map((number) =>
          attacked().administrator.getReleaseByNumber({ params: { project: project.name, number } }),
        ),
      );
      expect([a?.release.number, b?.release.number]).toEqual([releases - 1, releases]);
      return `releases ${releases - 1} and ${releases} live, over the change and after it`;
    },
  );

  attack(
    'K50',
    {
      input:
        'log.appended without end from somebody unsigned: as the next and as the first pieces of a true log, and as logs of their own, with terminal escapes, HTML and right-to-left signs',
      expected:
        'kept nowhere, and told of one by one only so many times; the log stays as it was, text as JSON. What a build prints itself is W24',
      within: 180_000,
    },
    async (on) => {
      const { items } = await on.administrator.listReleases({ query: { project: project.name, limit: 1 } });
      const release = items[0]?.release.id as string;
      const read = async (stream: string) => {
        const to = `${on.gatewayUrl}/api/v1/releases/${release}/logs?stream=${stream}`;
        const answer = await fetch(to, { headers: { authorization: `Bearer ${on.administratorToken}` } });
        return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
      };
      const before = await read('build/1');
      expect([before.status, before.type]).toEqual([200, 'application/json; charset=utf-8']);
      const told = ear.once().length;
      const flood = Array.from({ length: 12_000 }, (_, at) => {
        const text = '<img src=x onerror=alert(1)>\u001b]8;;javascript:1\u0007\u202e\n';
        const data = { release, stream: at % 2 === 0 ? 'build/1' : 'evil/1', chunk: at >> 1, text, last: false } satisfies DataOf<
          typeof LogAppended
        >;
        const { key, value, headers } = recordOf(LogAppended, release, data, { source: 'image-builder' });
        return { key, value: value as Buffer, headers };
      });
      // No broker takes more than a megabyte at once.
      for (let at = 0; at < flood.length; at += 1_000) await send(`${on.topicPrefix}logs`, flood.slice(at, at + 1_000));
      await anotherOne();
      expect(await read('build/1')).toEqual(before);
      expect((await read('evil/1')).text).not.toContain('onerror');
      const said = ear.once().length - told;
      // Two thousand by each of two gateways, and those of the release.
      expect(said).toBeLessThan(2 * 2_000 + 200);
      return `${flood.length} lines by nobody, none of them in the log; ${said} events meanwhile, those of a release among them`;
    },
  );
});

/** How many different events of this project were said. */
function distinct(): number {
  return ear.once().filter(({ value }) => String(value).includes(project.name)).length;
}
