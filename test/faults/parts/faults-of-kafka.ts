import { services } from '@slipway/contracts';
import { Kafka, logLevel } from 'kafkajs';
import type { Fault, FaultKind, Sufferer } from '../fault.ts';
import type { HurtBroker } from './a-broker.ts';
import { aFault, blackHoled, poisoned, repeatedly } from './hurting.ts';
import { each, inUse, openThrough, type Ways } from './ways.ts';

/** What may suffer at the same time as Kafka. */
const overlaps: readonly Sufferer[] = ['service', 'docker', 'registry', 'postgres'];
const part = 'kafka';

/** Every fault of the broker (facts/reliability.md 1.6 Q, K11, K15). */
export function faultsOfKafka(broker: HurtBroker, ways: Ways): FaultKind[] {
  const proxies = ways.to('kafka');
  const killed = (name: string, least: number, most: number): FaultKind => ({
    name,
    part,
    lasts: { least, most },
    overlaps,
    make: (_, seconds) =>
      aFault({
        name: `Kafka is killed and back after ${seconds} s`,
        begin: async () => {
          const asked = await inUse(proxies);
          await broker.send('SIGKILL');
          return asked;
        },
        end: async () => void (await broker.start()),
      }),
  });
  return [
    killed('kafka killed', 1, 5),
    killed('kafka away', 30, 60),
    {
      name: 'kafka paused',
      part,
      lasts: { least: 5, most: 40 },
      overlaps,
      make: (_, seconds) =>
        aFault({
          name: `Kafka stands still for ${seconds} s`,
          begin: async () => {
            const asked = await inUse(proxies);
            await broker.send('SIGSTOP');
            return asked;
          },
          end: async () => void (await broker.send('SIGCONT')),
        }),
    },
    {
      name: 'kafka black-holed',
      part,
      lasts: { least: 30, most: 90 },
      overlaps,
      make: () => blackHoled('nothing gets to Kafka or back, without a word', proxies),
    },
    {
      name: 'kafka slow',
      part,
      lasts: { least: 10, most: 40 },
      overlaps,
      make: (chance) => {
        const [latency, rate] = [chance.whole(50, 400), chance.whole(32, 256)];
        return poisoned(`answers of Kafka take ${latency} ms more and come at ${rate} KB/s`, proxies, [
          { stream: 'downstream', toxic: { type: 'latency', attributes: { latency } } },
          { stream: 'downstream', toxic: { type: 'bandwidth', attributes: { rate } } },
        ]);
      },
    },
    {
      name: 'kafka replies lost',
      part,
      lasts: { least: 5, most: 20 },
      overlaps,
      // The broker has what was sent; its answer is dropped and the connection with it.
      make: (chance) =>
        repeatedly(
          'answers of Kafka get lost after it has what was sent',
          chance.whole(1000, 3000),
          async () => {
            const asked = await inUse(proxies);
            await each(proxies, (proxy) => proxy.poison('downstream', { type: 'limit_data', attributes: { bytes: 0 } }));
            await until(async () => (await openThrough(proxies)) === 0, 1000);
            await each(proxies, (proxy) => proxy.cure());
            return asked;
          },
          () => each(proxies, (proxy) => proxy.cure()),
        ),
    },
    {
      name: 'kafka rebalanced',
      part,
      lasts: { least: 5, most: 20 },
      overlaps,
      make: (chance) => strangers(broker, chance.whole(500, 3000)),
    },
    {
      name: 'kafka partitions raised',
      part,
      lasts: { least: 0, most: 0 },
      overlaps,
      make: (chance) => raised(broker, chance.whole(0, 1000), chance.whole(1, 3)),
    },
    {
      name: 'kafka topic deleted',
      part,
      lasts: { least: 0, most: 0 },
      overlaps: [],
      // What the topic held is gone for whoever reads it afterwards, so no plan has it: it is asked for by name.
      weight: 0,
      make: (chance) => deleted(broker, chance.whole(0, 1000)),
    },
  ];
}

async function until(so: () => Promise<boolean>, withinMs: number): Promise<void> {
  for (const end = performance.now() + withinMs; performance.now() < end && !(await so()); );
}

/** One that failed stays down: kafkajs would start it again also after it was told to leave. */
const once = { retries: 2, restartOnFailure: async () => false };

/** How long a handler is waited for. */
const handlerMs = 5_000;

/**
 * A member nobody knows joins the group of one service after the other while a handler there has decided and not committed, holds what it is given, and leaves: what runs there
 * loses its partitions in the middle of its work. Hurt is each handler that was met.
 */
function strangers(broker: HurtBroker, staysMs: number): Fault {
  let at = 0;
  return repeatedly('strangers join the groups of services and leave', 200, async ({ suite, signal, hold }) => {
    const service = services[at++ % services.length];
    const kafka = new Kafka({ clientId: 'fault', brokers: [broker.url], logLevel: logLevel.NOTHING });
    const topics = await broker.administer((admin) => admin.listTopics());
    const member = kafka.consumer({
      groupId: `${suite.topicPrefix}${service}`,
      sessionTimeout: 10_000,
      allowAutoTopicCreation: false,
      retry: once,
    });
    let joined = false;
    const forgone = new AbortController();
    member.on(member.events.GROUP_JOIN, () => {
      joined = true;
      forgone.abort();
    });
    try {
      await member.connect();
      await member.subscribe({ topics: topics.filter((name) => name.startsWith(suite.topicPrefix)), fromBeginning: true });
      const held = await hold(new RegExp(`^${service} · on .* · before commit$`), handlerMs);
      // Resolves when all members have joined anew, for which who is held has to go on.
      const running = member.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
      running.catch(() => undefined);
      const met = held !== undefined && (await isRebalanced(broker, `${suite.topicPrefix}${service}`));
      await held?.release();
      await running;
      await pause(10_000, AbortSignal.any([signal, forgone.signal]));
      await pause(staysMs, signal);
      return met && joined ? 1 : 0;
    } finally {
      await member.disconnect();
    }
  });
}

/** Whether members are asked to join anew, which all do before it is over. */
async function isRebalanced(broker: HurtBroker, group: string): Promise<boolean> {
  let state = '';
  const asked = async () => {
    const { groups } = await broker.administer((admin) => admin.describeGroups([group]));
    state = groups[0]?.state ?? '';
    return state === 'PreparingRebalance';
  };
  await until(asked, 2_500);
  return state === 'PreparingRebalance';
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    if (signal.aborted) over();
    else signal.addEventListener('abort', over);
  });
}

/** One of the suite's topics, chosen by the seed; the same for the same names. */
async function oneTopic(broker: HurtBroker, prefix: string, at: number): Promise<string> {
  const topics = (await broker.administer((admin) => admin.listTopics())).filter((name) => name.startsWith(prefix)).sort();
  const topic = topics[at % topics.length];
  if (topic === undefined) throw new Error(`no topic starts with ${prefix}`);
  return topic;
}

/** Records of one key may now be in two partitions of a topic: order must not rest on that. */
function raised(broker: HurtBroker, at: number, by: number): Fault {
  return aFault({
    name: `a topic gets ${by} more partitions`,
    begin: async ({ suite, say }) => {
      const topic = await oneTopic(broker, suite.topicPrefix, at);
      return await broker.administer(async (admin) => {
        const partitions = async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length ?? 0;
        const count = (await partitions()) + by;
        await admin.createPartitions({ topicPartitions: [{ topic, count }] });
        say(`${topic} has ${count} partitions from now on`);
        return (await partitions()) >= count ? 1 : 0;
      });
    },
  });
}

/** Whoever writes to it makes it again, and its offsets begin anew. */
function deleted(broker: HurtBroker, at: number): Fault {
  return aFault({
    name: 'a topic is deleted',
    begin: async ({ suite, say }) => {
      const topic = await oneTopic(broker, suite.topicPrefix, at);
      say(`${topic} is deleted`);
      await broker.administer((admin) => admin.deleteTopics({ topics: [topic], timeout: 10_000 }));
      return 1;
    },
  });
}
