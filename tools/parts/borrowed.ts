import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import type { DataDir } from './data-dir.ts';
import { type DockerApi, dockerApi, type ListedContainer, type ListedImage } from './docker-api.ts';
import { removeContainer } from './images.ts';
import type { Parts } from './index.ts';
import { kafkaAt } from './kafka-access.ts';

/** What a run shares with nobody in parts that are not its own. */
export interface Corner {
  /** Of what it runs on Docker (label `dev.slipway.namespace`); also names its database. */
  installation: string;
  topicPrefix: string;
  /** Where its images go: `registry:port/path`. */
  repository: string;
}

/** What a run uses in parts that are not its own, written down so that also the next start can take it away. */
interface Borrowed {
  names: Corner;
  docker?: { host: string; imagesBefore: string[] };
  kafka?: string;
  registry?: true;
  postgres?: { adminUrl: string; database: string };
}

const recordFile = 'borrowed.json';

/**
 * Where a part is not ours, a run uses a corner of its own in it and takes that away again. Gives the parts as the services shall see them: in a
 * Postgres that is not ours, a database of our own.
 */
export async function cornerOf(dataDir: DataDir, parts: Parts, names: Corner): Promise<Parts> {
  const { docker, kafka, registry, postgres } = parts;
  const borrowed: Borrowed = { names };
  if (!docker.ours) borrowed.docker = { host: docker.url, imagesBefore: await imagesIn(dockerApi(docker.url)) };
  if (!kafka.ours) borrowed.kafka = kafka.url;
  if (!registry.ours) borrowed.registry = true;
  if (!postgres.ours) borrowed.postgres = { adminUrl: postgres.url, database: names.installation.replaceAll('-', '_') };
  await writeFile(join(dataDir.path, recordFile), JSON.stringify(borrowed), { mode: 0o600 });
  if (borrowed.postgres === undefined) return parts;
  await onServer(postgres.url, `create database "${borrowed.postgres.database}"`);
  const url = new URL(postgres.url);
  url.pathname = `/${borrowed.postgres.database}`;
  return { ...parts, postgres: { ...postgres, url: url.href } };
}

/** Takes away what a run with this data folder used in parts that were not its own. All of it is tried; the first failure is thrown. */
export async function giveBack(dir: string): Promise<void> {
  const text = await readFile(join(dir, recordFile), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const { names, docker, kafka, registry, postgres } = JSON.parse(text) as Borrowed;
  const outcomes = await Promise.allSettled([
    docker && removeFromDocker(dockerApi(docker.host), names, new Set(docker.imagesBefore)),
    kafka && removeTopics(kafka, names.topicPrefix),
    registry && removeFromRegistry(names.repository),
    postgres && onServer(postgres.adminUrl, `drop database if exists "${postgres.database}" with (force)`),
  ]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await rm(join(dir, recordFile), { force: true });
}

async function imagesIn(docker: DockerApi): Promise<string[]> {
  return (await docker.call<ListedImage[]>('GET', '/images/json?all=true')).map(({ Id }) => Id);
}

/** Removes every container, network, volume and image of this demo from a Docker Engine: what bears its namespace, and images that were not there before. */
async function removeFromDocker(docker: DockerApi, names: Corner, imagesBefore: Set<string>): Promise<void> {
  const ours = encodeURIComponent(JSON.stringify({ label: [`dev.slipway.namespace=${names.installation}`] }));
  const containers = await docker.call<ListedContainer[]>('GET', `/containers/json?all=true&filters=${ours}`);
  await Promise.all(containers.map(({ Id }) => removeContainer(docker, Id)));
  const networks = await docker.call<{ Id: string }[]>('GET', `/networks?filters=${ours}`);
  for (const { Id } of networks) await docker.call('DELETE', `/networks/${Id}`, { allow: [404] });
  const { Volumes } = await docker.call<{ Volumes: { Name: string }[] | null }>('GET', `/volumes?filters=${ours}`);
  for (const { Name } of Volumes ?? [])
    await docker.call('DELETE', `/volumes/${encodeURIComponent(Name)}?force=true`, { allow: [404, 409] });
  const images = await docker.call<ListedImage[]>('GET', '/images/json');
  for (const image of images.filter(({ Id }) => !imagesBefore.has(Id))) {
    if (isOf(names.repository, image)) await docker.call('DELETE', `/images/${image.Id}?force=true`, { allow: [404, 409] });
    // The proxy's image is shared by all on this engine: not by force, so that it stays while anybody uses it.
    else if (image.Labels?.['dev.slipway.role'] === 'proxy-image')
      await docker.call('DELETE', `/images/${image.Id}`, { allow: [404, 409] });
  }
}

function isOf(repository: string, { RepoTags, RepoDigests }: ListedImage): boolean {
  return [...(RepoTags ?? []), ...(RepoDigests ?? [])].some(
    (name) => name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`),
  );
}

/** Removes the topics and the consumer groups whose names start like this. */
export async function removeTopics(brokers: string, prefix: string): Promise<void> {
  const kafka = new Kafka({
    clientId: 'slipway-demo',
    ...kafkaAt(brokers),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5000,
    retry: { retries: 2 },
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    if (topics.length > 0) await admin.deleteTopics({ topics, timeout: 15_000 });
    const { groups } = await admin.listGroups();
    const ours = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix));
    if (ours.length > 0) await admin.deleteGroups(ours);
  } finally {
    await admin.disconnect();
  }
}

async function removeFromRegistry(repository: string): Promise<void> {
  const [host = '', ...path] = repository.split('/');
  const base = `${/^(localhost|127\.)/.test(host) ? 'http' : 'https'}://${host}/v2/${path.join('/')}`;
  const accept =
    'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json';
  const ask = (method: string, url: string): Promise<Response> =>
    fetch(url, { method, headers: { accept }, signal: AbortSignal.timeout(10_000) });
  const listed = await ask('GET', `${base}/tags/list`);
  if (listed.status !== 200) return;
  const { tags } = (await listed.json()) as { tags: string[] | null };
  for (const tag of tags ?? []) {
    const digest = (await ask('HEAD', `${base}/manifests/${tag}`)).headers.get('docker-content-digest');
    if (digest !== null) await ask('DELETE', `${base}/manifests/${digest}`);
  }
}

/** Runs one statement as the administrator of a Postgres server. */
export async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
