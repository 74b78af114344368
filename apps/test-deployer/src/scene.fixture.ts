import {
  CommandAccepted,
  CommandRefused,
  catalog,
  type DsseEnvelope,
  type EventDefinition,
  ImageBuilt,
  LogAppended,
  PartAway,
  PartBack,
  ProjectApplied,
  type ProjectFile,
  type Release,
  type Service,
  TargetApplied,
  type TargetFile,
} from '@slipway/contracts';
import { Targets } from '@slipway/deployments';
import { payloadTypes } from '@slipway/identity';
import { type Handler, KafkajsEventLog, Messaging, messagingMigrations, type Received, type Said } from '@slipway/messaging';
import { Database, schemaOf } from '@slipway/postgres';
import { type Booted, boot } from '@slipway/service-kit';
import {
  aDatabase,
  aKeyRing,
  anId,
  aProjectFile,
  aTargetFile,
  aTopicPrefix,
  eventually,
  realParts,
  type TestDatabase,
  type TestKeyRing,
} from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { TestDeployerModule } from './test-deployer.module.js';

const logger = pino({ level: 'silent' });
const by = { id: anId(), name: 'Ada Administrator' };

/** Another service, as far as test-deployer hears it. */
class Speaker {
  private constructor(
    readonly messaging: Messaging,
    private readonly database: Database,
    private readonly log: KafkajsEventLog,
  ) {}

  static async of(
    service: Service,
    keys: TestKeyRing,
    url: string,
    topicPrefix: string,
    hears: ReadonlyMap<EventDefinition, Handler>,
  ): Promise<Speaker> {
    const database = await Database.connect({ url, schema: schemaOf(service), applicationName: `test ${service}`, poolSize: 3 });
    await database.migrate(messagingMigrations, 'messaging');
    const log = new KafkajsEventLog({ brokers: realParts().kafkaBrokers, clientId: `test-${service}`, logger });
    const { signer } = keys.keys[service];
    const messaging = new Messaging({ service, database, log, signer, trust: keys.trust, registry: new Registry(), logger, topicPrefix });
    await messaging.start(hears);
    return new Speaker(messaging, database, log);
  }

  async stop(): Promise<void> {
    await this.messaging.stop(2000);
    await this.log.close();
    await this.database.close();
  }
}

/** Two replicas of test-deployer among the services around it, on real Kafka, Postgres and Docker. */
export class Scene {
  readonly heard: Received[] = [];
  readonly installation = `test-${anId().slice(-8)}`;
  readonly target: TargetFile = aTargetFile({ spec: { docker: { ports: '27000-27999' }, namespace: this.installation } });
  readonly replicas: Booted[] = [];
  private readonly speakers = new Map<Service, Speaker>();

  private constructor(
    private readonly database: TestDatabase,
    private readonly keys: TestKeyRing,
    private readonly topicPrefix: string,
  ) {}

  /** All that test-deployer says is kept in `heard`. */
  static async build(): Promise<Scene> {
    const scene = new Scene(await aDatabase(), await aKeyRing(), aTopicPrefix());
    const keep: Handler = { handle: async (event, { tx }) => tx.afterCommit(() => scene.heard.push(event)) };
    const said = [...catalog.values()].filter(({ writer }) => writer === 'test-deployer');
    const heard = new Map([...said, CommandAccepted, CommandRefused, LogAppended, PartAway, PartBack].map((event) => [event, keep]));
    const { keys, database, topicPrefix } = scene;
    const speak = async (service: Service) =>
      scene.speakers.set(service, await Speaker.of(service, keys, database.url, topicPrefix, service === 'gateway' ? heard : new Map()));
    const replica = async () => scene.replicas.push(await boot(TestDeployerModule, { environment: scene.environment, ownsProcess: false }));
    await Promise.all([speak('gateway'), speak('image-builder'), speak('approval'), replica(), replica()]);
    await scene.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: scene.target, by } });
    return scene;
  }

  async demolish(): Promise<void> {
    await Promise.all([...this.replicas, ...this.speakers.values()].map((each) => each.stop()));
    const orchestrator = this.orchestrator();
    const environments = await orchestrator.environments();
    await Promise.all(environments.map((each) => orchestrator.remove(each, { signal: AbortSignal.timeout(30_000), epoch: 1 })));
    await this.database.drop();
    await this.keys.drop();
  }

  /** Of the replicas, private to this scene. */
  get dataDir(): string {
    return this.keys.dir;
  }

  orchestrator() {
    return new Targets({ dataDir: this.keys.dir, installation: this.installation, dockerHost: realParts().dockerHost }).orchestratorOf(
      this.target,
    );
  }

  /** What runs, seen from outside. */
  observe(project: string, { environment = 'test', namespace = this.installation } = {}) {
    return this.orchestrator().observe({ project, environment, namespace });
  }

  /** One statement in test-deployer's own tables. */
  rows<T>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.database.query<T>(sql.replaceAll('$schema', schemaOf('test-deployer')), params);
  }

  async say<E extends EventDefinition>(service: Service, event: E, said: Said<E>): Promise<string> {
    return (this.speakers.get(service) as Speaker).messaging.transact(async (unit) => unit.publish(event, said));
  }

  async apply(
    name: string,
    version: number,
    environments: NonNullable<NonNullable<Parameters<typeof aProjectFile>[0]>['spec']>['environments'],
    stable = '200ms',
  ): Promise<void> {
    const health = { http: '/healthz', every: '300ms', timeout: '500ms', grace: '1s' };
    const app = { memory: '64Mi', cpus: 0.25, drain: '100ms', stable, health };
    const file: ProjectFile = aProjectFile({ name, spec: { app, ...(environments && { environments }) } });
    await this.say('gateway', ProjectApplied, { subject: name, data: { project: name, version, file, by, reason: 'test' } });
  }

  /** Another target on the same engine, as told apart from `lab`. */
  async applyTarget(name: string, docker: { host?: string }, namespace = this.installation): Promise<void> {
    const file = aTargetFile({ name, spec: { docker: { ...this.target.spec.docker, ...docker }, namespace } });
    await this.say('gateway', TargetApplied, { subject: name, data: { target: name, version: 1, file, by } });
  }

  async removeProject(name: string, version: number): Promise<void> {
    await this.say('gateway', ProjectApplied, { subject: name, data: { project: name, version, file: null, by, reason: 'test' } });
  }

  /** image-builder says that a release has its image; `signedBy` shows what a forged provenance does. */
  async built(release: Release, image: { image: string; digest: string }, signedBy: Service = 'image-builder'): Promise<string> {
    const [repository = ''] = image.image.split('@');
    const provenance = await this.provenance(image.digest, signedBy);
    const authors = [{ name: 'Ann Author', email: 'ann@shop.example', account: null }];
    const data = {
      release,
      projectVersion: 1,
      image: { repository, digest: image.digest },
      built: true,
      seconds: 1,
      provenance,
      repositoryFile: null,
      authors,
    };
    return this.say('image-builder', ImageBuilt, { subject: release.id, correlationId: release.id, data });
  }

  /** The first event of that name about a release that fits. */
  async hear<E extends EventDefinition>(event: E, fits: (received: Received<E>) => boolean, within = 30_000): Promise<Received<E>> {
    return eventually(() => (this.all(event).find(fits) as Received<E> | undefined) ?? false, { within }) as Promise<Received<E>>;
  }

  all<E extends EventDefinition>(event: E): Received<E>[] {
    return this.heard.filter(({ name }) => name === event.name) as Received<E>[];
  }

  private get environment() {
    return {
      KAFKA_BROKERS: realParts().kafkaBrokers.join(','),
      DATABASE_URL: this.database.url,
      SLIPWAY_DATA_DIR: this.keys.dir,
      SLIPWAY_TOPIC_PREFIX: this.topicPrefix,
      SLIPWAY_INSTALLATION: this.installation,
      SLIPWAY_LOG_LEVEL: 'silent',
      PORT: '0',
      ...(realParts().dockerHost === undefined ? {} : { DOCKER_HOST: realParts().dockerHost }),
    };
  }

  private async provenance(digest: string, signedBy: Service): Promise<DsseEnvelope> {
    const subject = [{ name: 'shop', digest: { sha256: digest.slice('sha256:'.length) } }];
    const statement = { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: 'https://slsa.dev/provenance/v1', predicate: {} };
    const payload = Buffer.from(JSON.stringify(statement));
    const signature = await this.keys.keys[signedBy].signer.sign(payloadTypes.provenance, payload);
    return { payloadType: payloadTypes.provenance, payload: payload.toString('base64'), signatures: [signature] };
  }
}
