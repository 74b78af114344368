import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { schemaOf } from '@slipway/postgres';
import { eventually, realParts } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { type Breach, type Explained, explain, leftToDo, Witness } from '../history/index.ts';
import type { RestorableSuite } from './a-restorable-suite.js';

/** What a service says of itself at /health/ready. */
export async function readinessOf(suite: RestorableSuite, service: Service): Promise<string> {
  const url = `${suite.environment.urlOf(service, 1)}/health/ready`;
  return await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
}

/** What `slipway doctor` says, whether it is content or not. */
export async function doctor(suite: RestorableSuite): Promise<string> {
  const main = join(suite.checkout, 'apps', 'cli', 'dist', 'main.js');
  const env = { PATH: process.env['PATH'], SLIPWAY_URL: suite.url, SLIPWAY_DATA_DIR: suite.dataDir.path, SLIPWAY_TOKEN: 'none' };
  return await new Promise((resolve) => {
    execFile(process.execPath, [main, 'doctor'], { env, timeout: 60_000 }, (_error, out, errors) => resolve(`${out}\n${errors}`));
  });
}

/** How many events each service has said, as its database has it. */
export async function saidBy(suite: RestorableSuite): Promise<Map<Service, number>> {
  const client = new pg.Client({ connectionString: suite.postgres.url });
  await client.connect();
  try {
    const counts = new Map<Service, number>();
    for (const service of services) {
      const { rows } = await client.query<{ n: number }>(`select count(*)::int as n from ${schemaOf(service)}.outbox`);
      counts.set(service, rows[0]?.n ?? 0);
    }
    return counts;
  } finally {
    await client.end();
  }
}

/** How many records each partition of the topics the suite uses now has had. */
export async function writtenIn(suite: RestorableSuite): Promise<Record<string, string>> {
  const admin = new Kafka({ clientId: 'operator', brokers: suite.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const all: Record<string, string> = {};
    for (const topic of (await admin.listTopics()).filter((name) => name.startsWith(suite.topicPrefix)))
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) all[`${topic}/${partition}`] = high;
    return all;
  } finally {
    await admin.disconnect();
  }
}

/** Keeps, from now on, what is needed to judge what is done. Stop it in the end. */
export async function aWitness(suite: RestorableSuite, title: string): Promise<Witness> {
  const { dockerHost, dockerSocket, registry } = realParts();
  suite.begins();
  return await Witness.start({
    title,
    databaseUrl: suite.postgres.url,
    kafkaBrokers: suite.kafka.brokers,
    topicPrefix: suite.topicPrefix,
    dockerHost: dockerHost ?? `unix://${dockerSocket}`,
    registry,
    installation: suite.installation,
    trustFile: suite.environment.trustFile,
  });
}

/** Waits until nothing is left to do: what is said, answered, read and worked on. */
export async function drained(suite: RestorableSuite): Promise<void> {
  const at = { databaseUrl: suite.postgres.url, kafkaBrokers: suite.kafka.brokers, topicPrefix: suite.topicPrefix };
  await eventually(
    async () => {
      const left = await leftToDo(at);
      if (Object.keys(left).length > 0) throw new Error(JSON.stringify(left));
    },
    { within: 180_000, every: 1_000 },
  );
}

/**
 * What the guide says is lost with a topic or a database that was brought back: what only informs and had not been read is not said again, so the journal and
 * what is folded from it lack it.
 */
const lostWithTopics = /is not in the journal$|neither a topic nor the journal has it$|^its timeline lacks /;

/** What was amiss, beyond what the guide says is lost, and all of it in words. */
export async function judged(suite: RestorableSuite, witness: Witness): Promise<Explained> {
  const repositories = suite.lanes.map(({ name, repository }) => ({ project: name, folder: repository.dir }));
  // Builds name them, in topics that may be gone.
  const images = suite.lanes.map(({ name }) => name);
  const { environment, dataDir, administratorToken: token, url: gatewayUrl } = suite;
  const at = { dataDir: dataDir.path, urls: services.map((service) => environment.urlOf(service, 1)), gatewayUrl, token };
  const history = await witness.history({ load: suite.load, repositories, images, canaries: suite.canaries, suite: at });
  // What was there when the witness came was let in by a database that is gone: nobody can say any more by whom.
  const isOfBefore = ({ evidence }: Breach) =>
    evidence.some((each) => /, found, made ([^)]+)\)/.exec(each)?.[1]?.localeCompare(history.about.from) === -1);
  return await explain(history, {
    forgive: (breach, promise) => isOfBefore(breach) || (promise === 10 && lostWithTopics.test(breach.what)),
  });
}
