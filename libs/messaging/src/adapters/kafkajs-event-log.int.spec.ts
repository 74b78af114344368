import { createHook } from 'node:async_hooks';
import { aTopicPrefix, eventually, listenTo, realParts, TcpProxy } from '@slipway/testkit';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { eventLogContract } from '../event-log.contract.js';
import { KafkajsEventLog } from './kafkajs-event-log.js';
import type { KafkaOptions } from './kafkajs-options.js';
import { partitionOf } from './partition-of.js';

const prefix = aTopicPrefix();
const brokers = realParts().kafkaBrokers;
const logger = pino({ level: 'silent' });
const log = new KafkajsEventLog({ brokers, clientId: 'kit', logger, fetchWaitMs: 200 });
const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
const admin = kafka.admin();

afterAll(async () => {
  await log.close();
  await admin.connect();
  await admin.deleteTopics({ topics: (await admin.listTopics()).filter((topic) => topic.startsWith(prefix)) });
  const { groups } = await admin.listGroups();
  await admin.deleteGroups(groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix))).catch(() => undefined);
  await admin.disconnect();
});

/** A log that reaches the broker through a proxy, for as long as the test lasts. */
async function throughProxy(clientId: string, more: Partial<KafkaOptions> = {}): Promise<{ proxy: TcpProxy; own: KafkajsEventLog }> {
  const [host, port] = (brokers[0] as string).split(':') as [string, string];
  const proxy = await TcpProxy.to({ host, port: Number(port) });
  const own = new KafkajsEventLog({ brokers, clientId, logger, reach: () => ({ host: '127.0.0.1', port: proxy.port }), ...more });
  onTestFinished(async () => {
    await own.close();
    await proxy.close();
  });
  return { proxy, own };
}

eventLogContract('Kafka by kafkajs', () => ({ log, prefix }));

describe('Kafka by kafkajs', () => {
  it('puts a key where Java clients put it', () => {
    const partitioner = Partitioners.DefaultPartitioner();
    for (const key of ['a', 'ab', 'abc', 'abcd', 'shop/42', '0197f4c2-7a3e-7000-8000-000000000000', '世界']) {
      const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
        partitionId,
        leader: 1,
        partitionErrorCode: 0,
        replicas: [],
        isr: [],
      }));
      expect(partitionOf(key, 7)).toBe(partitioner({ topic: 't', partitionMetadata, message: { key: Buffer.from(key), value: '' } }));
    }
  });

  it('makes a deleted topic again when something is to be published', async () => {
    const name = `${prefix}lost`;
    const own = new KafkajsEventLog({ brokers, clientId: 'lost', logger, fetchWaitMs: 200 });
    await own.ensureTopics([{ name, partitions: 1, retention: { ms: 3_600_000 } }]);
    await own.publish([{ topic: name, key: 'k', value: Buffer.from('one'), headers: {} }]);
    await admin.connect();
    await admin.deleteTopics({ topics: [name] });
    await eventually(async () => !(await admin.listTopics()).includes(name));
    await eventually(() => own.publish([{ topic: name, key: 'k', value: Buffer.from('two'), headers: {} }]).then(() => true), {
      within: 20_000,
    });
    expect(await admin.listTopics()).toContain(name);
    await own.close();
  });

  it('refuses a record for a topic that nobody wanted', async () => {
    const record = { topic: `${prefix}unheard-of`, key: 'k', value: Buffer.from('x'), headers: {} };
    await expect(log.publish([record])).rejects.toMatchObject({ why: 'refused' });
  }, 20_000);

  it('fails while the broker is away, says so, and goes on by itself when it is back', async () => {
    const { proxy, own } = await throughProxy('away', { fetchWaitMs: 200 });
    const topic = `${prefix}away`;
    const { running, heard, died } = await listenTo(own, topic);
    const say = (value: string) => own.publish([{ topic, key: 'k', value: Buffer.from(value), headers: {} }]);
    await say('before');
    await eventually(() => heard.includes('before'));
    proxy.refuse();
    await expect(say('during')).rejects.toMatchObject({ why: 'unavailable' });
    expect(own.health().connected).toBe(false);
    proxy.restore();
    await eventually(() => say('after').then(() => true), { within: 10_000 });
    await eventually(() => heard.includes('after'), { within: 15_000 });
    expect(died).toEqual([]);
    expect(own.health()).toEqual({ connected: true });
    await running.stop(500);
  }, 40_000);

  it('is let in at once after it has lost the broker, however long its session lasts: it comes back as the member it was', async () => {
    const { proxy, own } = await throughProxy('lost', { fetchWaitMs: 200, sessionTimeoutMs: 60_000 });
    const topic = `${prefix}lost-for-long`;
    const { running, heard, died } = await listenTo(own, topic);
    proxy.refuse();
    await eventually(() => !running.health().joined, { within: 15_000 });
    proxy.restore();
    await log.publish([{ topic, key: 'k', value: Buffer.from('after'), headers: {} }]);
    await eventually(() => heard.includes('after'), { within: 8_000 });
    expect(died).toEqual([]);
  }, 40_000);

  it('shows a member out of its group whose process is gone, instead of waiting for the end of its session', async () => {
    const topic = `${prefix}gone`;
    const { proxy, own: killed } = await throughProxy('killed', { sessionTimeoutMs: 60_000 });
    await listenTo(killed, topic);
    proxy.refuse(); // it cannot even leave
    const { own: next } = await throughProxy('next', { fetchWaitMs: 200 });
    const asked = new Set<string>();
    const gone = async (members: readonly string[]) => {
      for (const each of members) asked.add(each);
      return members;
    };
    const begun = performance.now();
    const { heard } = await listenTo(next, topic, { gone });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect([...asked]).toEqual(['killed']);
    await next.publish([{ topic, key: 'k', value: Buffer.from('after'), headers: {} }]);
    await eventually(() => heard.includes('after'));
  }, 40_000);

  it('hears soon again after a time in which the network swallowed everything', async () => {
    const { proxy, own } = await throughProxy('swallowed');
    const topic = `${prefix}swallowed`;
    const { running, heard, died } = await listenTo(own, topic);
    const say = (value: string) => log.publish([{ topic, key: 'k', value: Buffer.from(value), headers: {} }]);
    await say('before');
    await eventually(() => heard.includes('before'));
    proxy.blackHole();
    await eventually(() => running.health().lastProgressAt < performance.now() - 4_000, { within: 8_000 });
    proxy.restore();
    await say('after');
    await eventually(() => heard.includes('after'), { within: 15_000 });
    expect(died).toEqual([]);
    await running.stop(500);
  }, 40_000);

  it('is behind by nothing where all that is left are aborted records and the marks of transactions', async () => {
    const topic = `${prefix}aborted`;
    const { running, heard } = await listenTo(log, topic);
    const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    await admin.connect();
    const transaction = async (value: string, end: 'commit' | 'abort') => {
      const open = await producer.transaction();
      await open.send({ topic, messages: [{ value }] });
      await open[end]();
    };
    const caughtUp = async () => {
      const [end] = await admin.fetchTopicOffsets(topic);
      const [group] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
      return running.lag().get(topic) === 0 && group?.partitions[0]?.offset === end?.high;
    };
    // A mark at the end of a batch that was read, then a batch in which nothing is for us.
    await transaction('taken', 'commit');
    await eventually(caughtUp, { within: 15_000 });
    await transaction('not taken', 'abort');
    await eventually(caughtUp, { within: 15_000 });
    expect(heard).toEqual(['taken']);
    await producer.disconnect();
    await running.stop(500);
  }, 40_000);

  it('rests while there is nothing to send: its queue of requests sets no timers', async () => {
    const topic = `${prefix}idle`;
    const own = new KafkajsEventLog({ brokers, clientId: 'idle', logger });
    await own.ensureTopics([{ name: topic, partitions: 1, retention: { ms: 3_600_000 } }]);
    await own.publish([{ topic, key: 'k', value: Buffer.from('x'), headers: {} }]);
    // Unpatched, each connection looks for requests a thousand times a second (patches/kafkajs+2.2.4.patch).
    let timers = 0;
    const count = (_: number, type: string): void => {
      if (type === 'Timeout' && new Error('who').stack?.includes('requestQueue')) timers += 1;
    };
    const counting = createHook({ init: count }).enable();
    let looks = 0;
    await eventually(() => ++looks > 200, { every: 1 });
    counting.disable();
    expect(timers).toBeLessThan(10);
    await own.close();
  });

  it('reports a consumer that a bug ended, so that the process can end too', async () => {
    const topic = `${prefix}bug`;
    await log.ensureTopics([{ name: topic, partitions: 1, retention: { ms: 3_600_000 } }]);
    await log.publish([{ topic, key: 'k', value: Buffer.from('x'), headers: {} }]);
    const died: Error[] = [];
    const onBatch = async () => JSON.parse('{');
    const running = await log.consume({ group: `${prefix}bug`, topics: [topic], onBatch, onDied: (error) => died.push(error) });
    await eventually(() => died.length === 1);
    expect(died[0]).toBeInstanceOf(SyntaxError);
    await running.stop(500);
  });
});
