import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, apiClient } from '@slipway/api';
import { ApprovalModule } from '@slipway/approval';
import type { Role } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { GatewayModule } from '@slipway/gateway';
import { ImageBuilderModule } from '@slipway/image-builder';
import { NotifierModule } from '@slipway/notifier';
import { DockerOrchestrator } from '@slipway/orchestrators';
import { ProductionRolloutModule } from '@slipway/production-rollout';
import { type Booted, boot } from '@slipway/service-kit';
import { SourceWatcherModule } from '@slipway/source-watcher';
import { TestDeployerModule } from '@slipway/test-deployer';
import { aDatabase, aKeyRing, aProjectToRun, aTargetToRun, aTopicPrefix, eventually, realParts } from '@slipway/testkit';
import { v7 } from 'uuid';
import { Cleanup } from '../../tools/parts/cleanup.ts';
import { author, Repository } from '../e2e/a-suite.ts';
import { Ear } from '../faults/an-ear.ts';
import { leftToDo } from './left-to-do.ts';
import { LoadLog } from './load-log.ts';
import type { SuiteAt } from './pages.ts';
import { Witness } from './witness.ts';

const modules = [
  GatewayModule,
  SourceWatcherModule,
  ImageBuilderModule,
  TestDeployerModule,
  ApprovalModule,
  ProductionRolloutModule,
  NotifierModule,
];

/** Every service for real, and a witness of all they do. */
export interface JudgedRun {
  readonly ear: Ear;
  readonly witness: Witness;
  readonly load: LoadLog;
  readonly operator: ApiClient;
  readonly project: string;
  readonly repository: Repository;
  /** Where its pages are, and the secret that what is deployed is given. */
  readonly suite: SuiteAt;
  /** Commits a page and tells the load log so. */
  push(page: string): Promise<void>;
  /** Waits until nothing is left to be said, read or worked on. */
  drained(): Promise<void>;
  clear(): Promise<void>;
}

/** `ports`: stable ports of this suite, both ends included. */
export async function aJudgedRun(ports: string): Promise<JudgedRun> {
  const cleanup = new Cleanup();
  const clear = async () => {
    const left = await cleanup.run();
    if (left.length > 0) throw new Error(left.join('\n'));
  };
  try {
    return { ...(await start(ports, cleanup)), clear };
  } catch (error) {
    await clear();
    throw error;
  }
}

async function start(ports: string, cleanup: Cleanup): Promise<Omit<JudgedRun, 'clear'>> {
  const [project, installation] = [`judged-${v7().slice(-8)}`, `test-${v7().slice(-8)}`];
  const { kafkaBrokers, registry, dockerSocket } = realParts();
  const topicPrefix = aTopicPrefix();
  const [database, keys, repository] = await Promise.all([aDatabase(), aKeyRing(), Repository.make()]);
  cleanup.defer('drop the database', () => database.drop());
  cleanup.defer('remove the repository', () => repository.remove());
  cleanup.defer('drop the keys', () => keys.drop());
  cleanup.defer('remove what was deployed', () => removeAll(keys.dir, installation, project), 90_000);
  const at = { databaseUrl: database.url, kafkaBrokers, topicPrefix };
  const witness = await Witness.start({
    ...at,
    title: 'a small run',
    dockerHost: `unix://${dockerSocket}`,
    registry,
    installation,
    trustFile: keys.trustFile,
  });
  cleanup.defer('let the witness go', () => witness.stop());
  const ear = await Ear.at(topicPrefix);
  cleanup.defer('close the ear', () => ear.close());
  const services = await bootAll(cleanup, {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: kafkaBrokers.join(','),
    DOCKER_HOST: `unix://${dockerSocket}`,
    SLIPWAY_TOPIC_PREFIX: topicPrefix,
    SLIPWAY_DATA_DIR: keys.dir,
    SLIPWAY_TRUST_FILE: keys.trustFile,
    SLIPWAY_LOG_LEVEL: process.env['SLIPWAY_TEST_LOG'] ?? 'silent',
    SLIPWAY_SOURCE_FILE_FOLDERS: tmpdir(),
    SLIPWAY_INSTALLATION: installation,
    PORT: '0',
  });
  const url = services[0]?.url ?? '';
  const token = await firstIn(url, keys.dir);
  const administrator = apiClient({ url, token });
  await joinAs(url, administrator, { name: author.name, emails: author.emails, roles: ['developer', 'operator'] });
  const operator = await joinAs(url, administrator, { name: 'Otto Operator', emails: ['otto@example.org'], roles: ['operator'] });
  await administrator.applyTarget({ params: { name: 'lab' }, body: aTargetToRun(ports) });
  for (const service of ['test-deployer', 'production-rollout']) await keepSecret(join(keys.dir, 'secrets', service, project));
  const load = new LoadLog();
  const pushed = async () => load.pushed({ project, ref: 'refs/heads/main', revision: await headOf(repository) });
  await pushed();
  const app = {
    secrets: ['db-password'],
    drain: '0s',
    stable: '300ms',
    health: { http: '/', every: '300ms', timeout: '500ms', grace: '5s' },
  };
  const source = { git: { url: repository.url, poll: '1s' } };
  const body = aProjectToRun(project, { source, image: { repository: `${registry}/${project}` }, app }, 2);
  await administrator.applyProject({ params: { name: project }, body, query: { reason: 'to be judged' } });
  const push = async (page: string) => {
    await repository.commit(page);
    await pushed();
  };
  const drained = async () => {
    await eventually(async () => Object.keys(await leftToDo(at)).length === 0, { within: 60_000, every: 300 });
  };
  const suite = { dataDir: keys.dir, urls: services.map((service) => service.url), gatewayUrl: url, token };
  return { ear, witness, load, operator, project, repository, suite, push, drained };
}

async function keepSecret(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'db-password'), `correct-horse-${v7()}`, { mode: 0o600 });
}

async function bootAll(cleanup: Cleanup, environment: Record<string, string>): Promise<Booted[]> {
  const booted = await Promise.all(modules.map((module) => boot(module, { environment, ownsProcess: false })));
  for (const service of booted) cleanup.defer(`stop ${service.service}`, () => service.stop());
  return booted;
}

async function removeAll(dir: string, installation: string, project: string): Promise<void> {
  const engine = DockerEngine.connect(realParts().dockerHost);
  const orchestrator = new DockerOrchestrator({ engine, dataDir: join(dir, 'targets', 'lab'), installation });
  const places = await orchestrator.environments();
  await Promise.all(places.map((place) => orchestrator.remove(place, { signal: AbortSignal.timeout(60_000), epoch: 1 })));
  for (const image of await engine.images.list({ labels: { 'dev.slipway.project': project } }))
    await engine.images.remove(image.id, { force: true });
}

/** The token of the first administrator. */
async function firstIn(url: string, dataDir: string): Promise<string> {
  const code = /#code=(\S+)/.exec(await readFile(join(dataDir, 'administrator-link'), 'utf8'))?.[1] as string;
  return (await apiClient({ url }).redeem({ body: { code, name: 'Ada Administrator', email: 'ada@example.org' } })).token;
}

async function joinAs(
  url: string,
  administrator: ApiClient,
  { name, emails, roles }: { name: string; emails: readonly string[]; roles: readonly Role[] },
): Promise<ApiClient> {
  const body = { name, emails: [...emails], roles: roles.map((role) => ({ role, project: '*' as const })) };
  const { invitation } = await administrator.addPerson({ body });
  const { token } = await apiClient({ url }).redeem({ body: { code: invitation.code } });
  return apiClient({ url, token });
}

async function headOf({ dir }: Repository): Promise<string> {
  return (await readFile(join(dir, '.git/refs/heads/main'), 'utf8')).trim();
}
