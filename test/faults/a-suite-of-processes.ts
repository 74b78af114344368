import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { type ApiClient, apiClient } from '@slipway/api';
import { ApprovalGranted, type ProjectFile, type Role, type Service, type TargetFile } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { DockerOrchestrator } from '@slipway/orchestrators';
import { aDatabase, aProjectToRun, aTargetToRun, aTopicPrefix, eventually, type ProjectSpec, realParts } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { v7 } from 'uuid';
import type { z } from 'zod';
import { Cleanup } from '../../tools/parts/cleanup.ts';
import { type DataDir, temporaryDataDir } from '../../tools/parts/data-dir.ts';
import type { Parts } from '../../tools/parts/index.ts';
import type { Part } from '../../tools/parts/part.ts';
import { administratorCode } from '../../tools/suite/administrator.ts';
import { prepareEnvironment, type Settings, type SuiteEnvironment } from '../../tools/suite/environment.ts';
import { type SuiteWish, startSuite } from '../../tools/suite/suite.ts';
import { author, Repository } from '../e2e/a-repository.js';
import { Ear } from './an-ear.js';
import { compiledCopy } from './compiled-copy.js';
import type { FaultySuite } from './fault.js';
import type { Provider } from './load/forge.ts';
import { asReplica } from './replicas.js';

/** Every service as a process of its own, started again whenever it ends; people come by the gateway's API. */
export interface SuiteOfProcesses extends FaultySuite {
  readonly ear: Ear;
  readonly engine: DockerEngine;
  /** On everything the suite deploys. */
  readonly installation: string;
  readonly operator: ApiClient;
  /** What the services were started with, and the token of the first administrator. */
  readonly environment: SuiteEnvironment;
  readonly administratorToken: string;
  readonly dataDir: DataDir;
  /** Of every new project so far; who applies a project of another repository adds it. */
  readonly repositories: { readonly project: string; readonly folder: string; readonly system?: 'svn' }[];
  /**
   * A repository with its first commit, and a project that takes it through test and an operator's sign-off to production. `spec` replaces whole keys of it;
   * what `prepare` gives is added to how the repository is watched.
   */
  newProject(spec?: Partial<ProjectSpec>, prepare?: Prepare): Promise<{ name: string; repository: Repository }>;
  /** Applies a project's file: `spec` replaces whole keys of the usual one. What it deploys and builds is removed in the end. */
  apply(name: string, spec: Partial<ProjectSpec> & Pick<ProjectSpec, 'source'>): Promise<void>;
  /** The file a project was applied with, `spec` replacing whole keys; of a target, one like that which everything runs on. */
  fileOf(name: string, spec: Partial<ProjectSpec>): z.input<typeof ProjectFile>;
  targetOf(name: string): z.input<typeof TargetFile>;
  /** What the person does at the page: signs, and does it again where the answer was lost, until it is known that it was taken. `told` hears each yes. */
  signOff(request: string, within: number, told?: (answer: object) => void): Promise<void>;
  /** Somebody new who may come by any gateway. */
  join(person: { name: string; emails: string[]; accounts?: string[]; roles: Role[] }): Promise<Person>;
  /** kill -9, and waits until the service is started again; gives how often it was. */
  kill(service: Service, replica?: number): Promise<number>;
  clear(): Promise<void>;
}

/** Somebody with an API token. */
export interface Person {
  readonly name: string;
  readonly token: string;
  /** By the first gateway. */
  readonly api: ApiClient;
}

/** What is done with a new project's repository before the project is applied. */
export type Prepare = (repository: Repository, project: string) => Promise<void> | Promise<{ readonly webhook: Provider }>;

/** The parts the services use, where they are not the real ones of every test: what stands in front of them, say. */
export interface PartsOfSuite {
  readonly kafkaBrokers: readonly string[];
  readonly registry: string;
  readonly dockerHost: string;
  /** The way to a database. */
  through(databaseUrl: string): string;
}

export interface WantedSuite {
  /** As in aSuite. */
  readonly ports: string;
  /** Further variables of a service. */
  readonly settings: Partial<Record<Service, Record<string, string>>>;
  readonly parts?: PartsOfSuite;
  /** Processes a service; 1 by default. */
  readonly replicas?: number;
  /** Further variables of every service, and of one replica. */
  readonly all?: Record<string, string>;
  readonly ofReplica?: Settings['ofReplica'];
  /** As in SuiteWish; `checkoutOf` is told where what is compiled of this checkout was copied to. */
  readonly runs?: SuiteWish['runs'];
  readonly checkoutOf?: (service: Service, replica: number, today: string) => string | undefined;
  /** Told how processes ended. */
  readonly tell?: (text: string) => void;
  readonly stillWorthIt?: () => void;
}

export async function aSuiteOfProcesses(wanted: WantedSuite): Promise<SuiteOfProcesses> {
  const cleanup = new Cleanup();
  const clear = async () => {
    const left = await cleanup.run();
    if (left.length > 0) throw new Error(left.join('\n'));
  };
  try {
    return { ...(await start(cleanup, wanted)), clear };
  } catch (error) {
    await clear();
    throw error;
  }
}

async function start(
  cleanup: Cleanup,
  { ports, settings: of, parts = theRealOnes(), ...wanted }: WantedSuite,
): Promise<Omit<SuiteOfProcesses, 'clear'>> {
  const installation = `test-${v7().slice(-8)}`;
  const topicPrefix = aTopicPrefix();
  const projects: string[] = [];
  const dataDir = await temporaryDataDir('faults');
  cleanup.defer('remove the data folder', () => dataDir.close());
  const database = await aDatabase();
  cleanup.defer('drop the database', () => database.drop());
  const engine = DockerEngine.connect(realParts().dockerHost);
  const orchestrator = new DockerOrchestrator({ engine, dataDir: path(dataDir.path, 'targets', 'lab'), installation });
  cleanup.defer('remove what was deployed', () => removeAll(orchestrator, engine, projects), 90_000);
  cleanup.defer('delete the topics', () => deleteTopics(topicPrefix, parts.kafkaBrokers));
  const ear = await Ear.at(topicPrefix, parts.kafkaBrokers);
  cleanup.defer('close the ear', () => ear.close());
  const names = { SLIPWAY_TOPIC_PREFIX: topicPrefix, SLIPWAY_INSTALLATION: installation, SLIPWAY_SOURCE_FILE_FOLDERS: tmpdir() };
  const { replicas: many = 1, ofReplica, tell = () => {}, stillWorthIt = () => {} } = wanted;
  const settings = { all: { ...names, ...wanted.all }, of, singleRole: true, replicas: many, ...(ofReplica && { ofReplica }) };
  const environment = await prepareEnvironment(dataDir, asParts(parts, database.url), settings);
  const checkout = await compiledCopy(await dataDir.folder('checkout'));
  const checkoutOf = (service: Service, replica: number) => wanted.checkoutOf?.(service, replica, checkout);
  const { runs } = wanted;
  const suite = await startSuite({ dataDir, environment, checkout, checkoutOf, runs, oneProcess: false, cleanup, tell, stillWorthIt });
  const replicas = suite.replicas.map(asReplica);
  const url = environment.gatewayUrl;
  const { token } = await apiClient({ url }).redeem({
    body: { code: await administratorCode(dataDir, () => {}), name: 'Ada Administrator', email: 'ada@example.org' },
  });
  const administrator = apiClient({ url, token });
  const join: SuiteOfProcesses['join'] = (person) => joinAs(url, administrator, person);
  await join({ name: author.name, emails: author.emails, roles: ['developer'] });
  const operator = (await join({ name: 'Otto Operator', emails: ['otto@example.org'], roles: ['operator'] })).api;
  await administrator.applyTarget({ params: { name: 'lab' }, body: aTargetToRun(ports) });
  const repositories: SuiteOfProcesses['repositories'] = [];
  const applied = new Map<string, Partial<ProjectSpec> & Pick<ProjectSpec, 'source'>>();
  const fileOf: SuiteOfProcesses['fileOf'] = (name, spec) => {
    const before = applied.get(name);
    if (before === undefined) throw new Error(`${name} was never applied`);
    return aProjectToRun(name, { image: { repository: `${parts.registry}/${name}` }, ...before, ...spec }, 2);
  };
  const apply: SuiteOfProcesses['apply'] = async (name, spec) => {
    if (!projects.includes(name)) projects.push(name);
    applied.set(name, spec);
    const put = { params: { name }, body: fileOf(name, {}), query: { reason: 'to see what a fault does' } };
    // Again where whoever took it was killed: what is in force already changes nothing.
    await eventually(() => administrator.applyProject(put).then(() => true), { within: 60_000, every: 300 });
  };
  const targetOf: SuiteOfProcesses['targetOf'] = (name) => aTargetToRun(ports, name);
  const newProject: SuiteOfProcesses['newProject'] = async (spec = {}, prepare = async () => {}) => {
    const name = `fault-${v7().slice(-8)}`;
    const repository = await Repository.make();
    cleanup.defer('remove the repository', () => repository.remove());
    repositories.push({ project: name, folder: repository.dir });
    const more = await prepare(repository, name);
    await apply(name, { source: { git: { url: repository.url, poll: '1s', ...more } }, ...spec });
    return { name, repository };
  };
  const signOff: SuiteOfProcesses['signOff'] = async (request, within, told = () => {}) => {
    const granted = () => ear.all(ApprovalGranted).some((data) => data.request === request);
    const sign = () => operator.signOff({ params: { id: request }, body: { decision: 'approve' } }).then(told);
    await eventually(async () => granted() || (await sign().then(granted)), { within, every: 200 });
  };
  const kill: SuiteOfProcesses['kill'] = async (service, number = 1) => {
    const replica = replicas.find((each) => each.service === service && each.number === number);
    if (!replica) throw new Error(`${service} ${number} does not run`);
    const { restarts } = replica;
    replica.send('SIGKILL');
    await eventually(() => replica.restarts > restarts, { within: 10_000 });
    return replica.restarts;
  };
  const told = {
    ear,
    engine,
    installation,
    databaseUrl: database.url,
    topicPrefix,
    operator,
    replicas,
    environment,
    dataDir,
    logs: dataDir.logs,
    repositories,
  };
  return { ...told, administratorToken: token, newProject, apply, fileOf, targetOf, signOff, join, kill };
}

/** The parts the environment names. */
export function theRealOnes(): PartsOfSuite {
  const { kafkaBrokers, registry, dockerSocket } = realParts();
  return { kafkaBrokers, registry, dockerHost: `unix://${dockerSocket}`, through: (url) => url };
}

function asParts({ kafkaBrokers, registry, dockerHost, through }: PartsOfSuite, databaseUrl: string): Parts {
  const part = (name: Part['name'], url: string): Part => ({ name, url, ours: false, stop: async () => {} });
  const url = through(databaseUrl);
  const parts = {
    postgres: part('postgres', url),
    kafka: part('kafka', kafkaBrokers.join(',')),
    registry: part('registry', registry),
    docker: part('docker', dockerHost),
  };
  return { ...parts, env: { DATABASE_URL: url, KAFKA_BROKERS: parts.kafka.url, SLIPWAY_REGISTRY: registry, DOCKER_HOST: dockerHost } };
}

async function joinAs(
  url: string,
  administrator: ApiClient,
  { roles, ...person }: { name: string; emails: string[]; accounts?: string[]; roles: Role[] },
): Promise<Person> {
  const body = { ...person, roles: roles.map((role) => ({ role, project: '*' })) };
  const { invitation } = await administrator.addPerson({ body });
  const { token } = await apiClient({ url }).redeem({ body: { code: invitation.code } });
  return { name: person.name, token, api: apiClient({ url, token }) };
}

async function deleteTopics(topicPrefix: string, brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ clientId: 'suite', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(topicPrefix));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.disconnect();
  }
}

async function removeAll(orchestrator: DockerOrchestrator, engine: DockerEngine, projects: readonly string[]): Promise<void> {
  const places = await orchestrator.environments();
  await Promise.all(places.map((place) => orchestrator.remove(place, { signal: AbortSignal.timeout(60_000), epoch: 1 })));
  for (const project of projects) {
    for (const image of await engine.images.list({ labels: { 'dev.slipway.project': project } }))
      await engine.images.remove(image.id, { force: true });
  }
}
