import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, apiClient } from '@slipway/api';
import { type Role, services } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { DockerOrchestrator } from '@slipway/orchestrators';
import { aProjectToRun, aTargetToRun, aTopicPrefix, eventually, type ProjectSpec, realParts } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { v7 } from 'uuid';
import { Cleanup } from '../../tools/parts/cleanup.ts';
import { type DataDir, temporaryDataDir } from '../../tools/parts/data-dir.ts';
import type { Part } from '../../tools/parts/part.ts';
import { freePorts } from '../../tools/parts/ports.ts';
import { administratorCode } from '../../tools/suite/administrator.ts';
import { prepareEnvironment, type SuiteEnvironment } from '../../tools/suite/environment.ts';
import { startSuite } from '../../tools/suite/suite.ts';
import { author, Repository } from '../e2e/a-repository.js';
import { compiledCopy } from '../faults/compiled-copy.js';
import { plantRegistryLogin } from '../faults/load/planted.ts';
import { type Canary, LoadLog } from '../history/index.ts';
import { type Installed, OwnKafka, OwnPostgres } from './own-parts.js';

/** A project on its way through test and one operator's sign-off to production. */
export interface Lane {
  readonly name: string;
  readonly repository: Repository;
}

/** Every service as a process, on a Postgres and a Kafka that are its own and may be lost: stopped and started again as an operator does it. */
export class RestorableSuite {
  /** The topics that are used now; an operator may give the services others. */
  topicPrefix = aTopicPrefix();
  readonly installation = `test-${v7().slice(-8)}`;
  readonly engine = DockerEngine.connect(realParts().dockerHost);
  readonly lanes: Lane[] = [];
  /** What may stand nowhere, beside the administrator's token. */
  canaries: readonly Canary[] = [];
  /** What clients saw since the run that is judged began. */
  load = new LoadLog();
  private readonly pushes: Push[] = [];
  operator!: ApiClient;
  administrator!: ApiClient;
  administratorToken!: string;
  private running = new Cleanup();
  environment!: SuiteEnvironment;
  checkout!: string;

  private constructor(
    /** What is the services' own. */
    readonly dataDir: DataDir,
    /** What is their parts'. */
    private readonly partsDir: DataDir,
    readonly postgres: OwnPostgres,
    readonly kafka: OwnKafka,
    private readonly ports: string,
  ) {}

  static async start(ports: string, installed?: Installed): Promise<RestorableSuite> {
    const [dataDir, partsDir] = [await temporaryDataDir('restore'), await temporaryDataDir('restore-parts')];
    const [postgres, kafka] = await Promise.all([OwnPostgres.start(partsDir, installed), OwnKafka.start(partsDir)]);
    const suite = new RestorableSuite(dataDir, partsDir, postgres, kafka, ports);
    try {
      await suite.prepare();
      return suite;
    } catch (error) {
      await suite.clear();
      throw error;
    }
  }

  get url(): string {
    return this.environment.gatewayUrl;
  }

  /** The services, each ready. */
  async up(): Promise<void> {
    this.running = new Cleanup();
    const { dataDir, environment, checkout, running: cleanup } = this;
    await startSuite({ dataDir, environment, checkout, oneProcess: false, cleanup, tell: () => {}, stillWorthIt: () => {} });
  }

  /** The services, where they are not expected to get ready: until what each says of itself is as wished. */
  async upUntil(wished: () => Promise<void>): Promise<void> {
    this.running = new Cleanup();
    let isSo = false;
    const stillWorthIt = () => {
      if (isSo) throw new Enough();
    };
    const { dataDir, environment, checkout, running: cleanup } = this;
    const starting = startSuite({ dataDir, environment, checkout, oneProcess: false, cleanup, tell: () => {}, stillWorthIt });
    starting.catch(() => undefined);
    await eventually(wished, { within: 80_000, every: 500 });
    isSo = true;
    await starting.catch((error: unknown) => {
      if (!(error instanceof Enough)) throw error;
    });
  }

  /** Stops the services, in order. */
  async down(): Promise<void> {
    const left = await this.running.run();
    if (left.length > 0) throw new Error(left.join('\n'));
  }

  /** Deletes every topic of the suite; the services make them anew when they start. */
  async emptyTopics(): Promise<void> {
    const admin = new Kafka({ clientId: 'operator', brokers: this.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const topics = (await admin.listTopics()).filter((name) => name.startsWith(this.topicPrefix));
      await admin.deleteTopics({ topics });
      await eventually(async () => !(await admin.listTopics()).some((name) => topics.includes(name)), { within: 30_000 });
    } finally {
      await admin.disconnect();
    }
  }

  /** The containers that run what was deployed. */
  async instances(): Promise<{ id: string; environment: string }[]> {
    const labels = { 'dev.slipway.installation': this.installation, 'dev.slipway.role': 'instance' };
    const found = await this.engine.containers.list({ labels });
    return found.map(({ id, labels: own }) => ({ id, environment: own['dev.slipway.environment'] ?? '' }));
  }

  /** `prepare` is told the project's name before it is applied, and gives what of its file is not as usual. */
  async newLane(page: string, prepare: (name: string) => Promise<Partial<ProjectSpec>> = async () => ({})): Promise<Lane> {
    const name = `back-${v7().slice(-8)}`;
    const repository = await Repository.make();
    this.lanes.push({ name, repository });
    await this.push({ name, repository }, page);
    const source = { git: { url: repository.url, poll: '1s' } };
    const body = aProjectToRun(name, { source, image: { repository: `${realParts().registry}/${name}` }, ...(await prepare(name)) });
    await this.administrator.applyProject({ params: { name }, body, query: { reason: 'to see what a restore does' } });
    return { name, repository };
  }

  /** Commits a page of a lane, and keeps that it was pushed. */
  async push({ name, repository }: Lane, page: string): Promise<void> {
    this.pushes.push({ project: name, ref: 'refs/heads/main', revision: await repository.commit(page) });
    this.load.pushed(this.pushes.at(-1) as Push);
  }

  /** What clients are told from now on is of a new run; what was pushed is to come to something all the same. */
  begins(): void {
    this.load = new LoadLog();
    for (const push of this.pushes) this.load.pushed(push);
  }

  /** Says yes as a person does at the page, again while no answer comes; what is not asked any more is no failure. */
  async signOff(request: string): Promise<void> {
    const sign = async () => {
      const answer = await this.operator.signOff({ params: { id: request }, body: { decision: 'approve' } });
      this.load.signedOff({ request, person: 'Otto Operator', decision: 'approve', status: 200, answer: JSON.stringify(answer) });
    };
    await eventually(
      async () => {
        const { state, signOffs } = await this.operator.getApproval({ params: { id: request } });
        return state !== 'open' || signOffs.length > 0 || (await sign().then(() => true));
      },
      { within: 60_000, every: 200 },
    );
  }

  async clear(): Promise<void> {
    await this.down().catch(() => undefined);
    const dataDir = join(this.dataDir.path, 'targets', 'lab');
    const orchestrator = new DockerOrchestrator({ engine: this.engine, dataDir, installation: this.installation });
    for (const place of await orchestrator.environments())
      await orchestrator.remove(place, { signal: AbortSignal.timeout(60_000), epoch: 1 });
    for (const { name, repository } of this.lanes) {
      for (const image of await this.engine.images.list({ labels: { 'dev.slipway.project': name } }))
        await this.engine.images.remove(image.id, { force: true });
      await repository.remove();
    }
    await Promise.all([this.kafka.stop(), this.postgres.stop()]);
    await Promise.all([this.dataDir.close(), this.partsDir.close()]);
  }

  private async prepare(): Promise<void> {
    const own = await freePorts(services.length);
    for (const [at, service] of services.entries()) await this.dataDir.remember(`port-${service}`, String(own[at]));
    this.environment = await this.provided();
    this.canaries = [await plantRegistryLogin(this)];
    this.checkout = await compiledCopy(await this.partsDir.folder('checkout'));
    await this.up();
    const { token } = await apiClient({ url: this.url }).redeem({
      body: { code: await administratorCode(this.dataDir, () => {}), name: 'Ada Administrator', email: 'ada@example.org' },
    });
    this.administratorToken = token;
    this.administrator = apiClient({ url: this.url, token });
    await this.join({ name: author.name, emails: author.emails, roles: ['developer'] });
    this.operator = await this.join({ name: 'Otto Operator', emails: ['otto@example.org'], roles: ['operator'] });
    await this.administrator.applyTarget({ params: { name: 'lab' }, body: aTargetToRun(this.ports) });
  }

  /** What the services are started with, by what lies in their data folder and the database. */
  async provided(): Promise<SuiteEnvironment> {
    const all = { SLIPWAY_INSTALLATION: this.installation, SLIPWAY_SOURCE_FILE_FOLDERS: tmpdir() };
    const ofReplica = () => ({ SLIPWAY_TOPIC_PREFIX: this.topicPrefix });
    return await prepareEnvironment(this.dataDir, this.parts(), { all, ofReplica, singleRole: !this.postgres.hasRoles });
  }

  private parts() {
    const { registry, dockerSocket } = realParts();
    const part = (name: Part['name'], url: string): Part => ({ name, url, ours: false, stop: async () => {} });
    const docker = `unix://${dockerSocket}`;
    const kafka = this.kafka.brokers.join(',');
    return {
      postgres: part('postgres', this.postgres.installersUrl),
      kafka: part('kafka', kafka),
      registry: part('registry', registry),
      docker: part('docker', docker),
      env: { DATABASE_URL: this.postgres.installersUrl, KAFKA_BROKERS: kafka, SLIPWAY_REGISTRY: registry, DOCKER_HOST: docker },
    };
  }

  private async join({ name, emails, roles }: { name: string; emails: string[]; roles: Role[] }): Promise<ApiClient> {
    const body = { name, emails, roles: roles.map((role) => ({ role, project: '*' })) };
    const { invitation } = await this.administrator.addPerson({ body });
    const { token } = await apiClient({ url: this.url }).redeem({ body: { code: invitation.code } });
    return apiClient({ url: this.url, token });
  }
}

type Push = Parameters<LoadLog['pushed']>[0];

/** What was waited for is so. */
class Enough extends Error {}
