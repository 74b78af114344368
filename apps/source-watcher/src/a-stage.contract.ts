import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  CommandAccepted,
  CommandRefused,
  CommitDetected,
  CommitFolded,
  CommitIgnored,
  type DataOf,
  type EventDefinition,
  ImageBuilt,
  ProjectApplied,
  type ProjectFile,
  SourceFailed,
  SourceRecovered,
} from '@slipway/contracts';
import { KafkajsEventLog, Messaging, messagingMigrations, type Received, type UnitOfWork } from '@slipway/messaging';
import { Database, schemaOf } from '@slipway/postgres';
import { type Booted, boot, Registry } from '@slipway/service-kit';
import {
  aDatabase,
  aDigest,
  aKeyRing,
  anId,
  aProjectFile,
  aTopicPrefix,
  eventually,
  realParts,
  type TestDatabase,
  type TestKeyRing,
} from '@slipway/testkit';
import { pino } from 'pino';
import { SourceWatcherModule } from './source-watcher.module.js';

const run = promisify(execFile);
const silent = pino({ level: 'silent' });
const watched = [CommitDetected, CommitFolded, CommitIgnored, SourceFailed, SourceRecovered, CommandAccepted, CommandRefused] as const;

/** A repository of the test's own, and a developer who pushes to it. */
export class Repository {
  constructor(
    readonly bare: string,
    private readonly work: string,
  ) {}

  get url(): string {
    return `file://${this.bare}`;
  }

  async git(...args: string[]): Promise<string> {
    const env = { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', HOME: '/nonexistent' };
    const who = ['-c', 'user.name=Ann Author', '-c', 'user.email=ann@shop.example'];
    return (await run('git', [...who, ...args], { cwd: this.work, env })).stdout.trim();
  }

  async commit(files: Record<string, string>, message = 'change', ...args: string[]): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.work, path)), { recursive: true });
      await writeFile(join(this.work, path), content);
    }
    await this.git('add', '-A');
    await this.git('commit', '-q', '--allow-empty', '-m', message, ...args);
    return this.git('rev-parse', 'HEAD');
  }

  async push(...refs: string[]): Promise<void> {
    await this.git('push', '-q', '--force', 'origin', ...(refs.length > 0 ? refs : ['HEAD']));
  }
}

/** source-watcher on real Kafka and Postgres, with a gateway and an image-builder played by the test. */
export class Stage {
  readonly replicas: Booted[] = [];
  private readonly heard: Received[] = [];
  private readonly voices: { messaging: Messaging; database: Database; log: KafkajsEventLog }[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly keys: TestKeyRing,
    readonly folder: string,
    readonly prefix: string,
  ) {}

  static async set(): Promise<Stage> {
    const [database, keys, folder] = await Promise.all([aDatabase(), aKeyRing(), mkdtemp(join(tmpdir(), 'slipway-watcher-'))]);
    const stage = new Stage(database, keys, folder, aTopicPrefix());
    await mkdir(join(folder, 'repos'));
    return stage;
  }

  /** Starts a replica; each may have settings and a data directory of its own. */
  async start(more: Record<string, string> = {}): Promise<Booted> {
    const booted = await boot(SourceWatcherModule, {
      ownsProcess: false,
      environment: {
        KAFKA_BROKERS: realParts().kafkaBrokers.join(','),
        DATABASE_URL: this.database.url,
        SLIPWAY_DATA_DIR: this.keys.dir,
        SLIPWAY_SECRETS_DIR: join(this.folder, 'secrets'),
        SLIPWAY_SOURCE_FILE_FOLDERS: join(this.folder, 'repos'),
        SLIPWAY_TOPIC_PREFIX: this.prefix,
        SLIPWAY_LOG_LEVEL: process.env['STAGE_LOG'] ?? 'silent',
        PORT: '0',
        ...more,
      },
    });
    this.replicas.push(booted);
    return booted;
  }

  /** Puts a secret where source-watcher looks for it. The file. */
  async secret(project: string, name: string, value: string): Promise<string> {
    const folder = join(this.folder, 'secrets', 'source-watcher', project);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, name), value, { mode: 0o600 });
    return join(folder, name);
  }

  async repository(name: string): Promise<Repository> {
    const bare = join(this.folder, 'repos', `${name}.git`);
    const work = join(this.folder, `${name}-work`);
    await run('git', ['init', '-q', '--bare', '-b', 'main', bare]);
    await run('git', ['init', '-q', '-b', 'main', work]);
    await run('git', ['remote', 'add', 'origin', bare], { cwd: work });
    return new Repository(bare, work);
  }

  /** Lets the gateway listen to what source-watcher says, and both others speak. */
  async listen(): Promise<void> {
    const gateway = await this.voice('gateway');
    const handler = { handle: async (event: Received) => void this.heard.push(event) };
    await gateway.start(new Map(watched.map((event) => [event, handler])));
    await (await this.voice('image-builder')).start();
  }

  /** A project file over one Git repository; polled three times a second unless said otherwise. */
  file(
    name: string,
    git: Partial<NonNullable<ProjectFile['spec']['source']['git']>> & { url: string },
    spec: Record<string, unknown> = {},
  ): ProjectFile {
    return aProjectFile({ name, spec: { source: { git: { poll: '300ms', branches: ['main'], ...git } }, ...spec } });
  }

  async apply(file: ProjectFile | null, version = 1, project = file?.metadata.name ?? ''): Promise<string> {
    const by = { id: anId(), name: 'Olga Operator' };
    return this.say('gateway', (unit) =>
      unit.publish(ProjectApplied, { subject: project, data: { project, version, file, by, reason: 'test' } }),
    );
  }

  async built(detected: DataOf<typeof CommitDetected>): Promise<void> {
    const { release, projectVersion, repositoryFile } = detected;
    const image = { repository: 'localhost:5000/shop', digest: aDigest(release.revision) };
    const provenance = { payloadType: 'application/vnd.in-toto+json', payload: 'e30=', signatures: [{ keyid: 'k', sig: 's' }] };
    const data = { release, projectVersion, image, built: true, seconds: 1, provenance, repositoryFile, authors: [] };
    await this.say('image-builder', (unit) => unit.publish(ImageBuilt, { subject: release.id, correlationId: release.id, data }));
  }

  async say(service: 'gateway' | 'image-builder', fn: (unit: UnitOfWork) => string): Promise<string> {
    return (await this.voice(service)).transact(async (unit) => fn(unit));
  }

  /** All of one kind that was heard about a project so far. */
  of<E extends EventDefinition>(event: E, project: string): DataOf<E>[] {
    const about = (data: { project?: string; release?: { project: string } }) => data.project ?? data.release?.project;
    return this.heard
      .filter(({ name, data }) => name === event.name && about(data as never) === project)
      .map(({ data }) => data as DataOf<E>);
  }

  /** Waits for the nth of its kind (from 1). */
  async nth<E extends EventDefinition>(event: E, project: string, n: number): Promise<DataOf<E>> {
    return eventually(
      () => this.of(event, project)[n - 1] ?? Promise.reject(new Error(`${this.of(event, project).length} ${event.name}`)),
      { within: 25_000 },
    ) as Promise<DataOf<E>>;
  }

  /** Everything heard, for tests that look at answers. */
  get events(): readonly Received[] {
    return this.heard;
  }

  async query<T>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.database.query<T>(sql.replaceAll('{schema}', schemaOf('source-watcher')), params);
  }

  /** Waits until the source has been polled once more from now on. */
  async polled(project: string): Promise<void> {
    const epoch = async () =>
      Number(
        (
          await this.query<{ epoch: string }>(
            "select coalesce(max(epoch), 0) as epoch from {schema}.operation where key like $1 || '/%' and state = 'ready'",
            [project],
          )
        )[0]?.epoch,
      );
    const before = await epoch();
    await eventually(async () => (await epoch()) > before + 1, { within: 25_000 });
  }

  async strike(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    for (const { messaging, database, log } of this.voices) {
      await messaging.stop(2_000);
      await log.close();
      await database.close();
    }
    await Promise.all([this.database.drop(), this.keys.drop(), rm(this.folder, { recursive: true, force: true })]);
  }

  private readonly made = new Map<string, Promise<Messaging>>();

  private voice(service: 'gateway' | 'image-builder'): Promise<Messaging> {
    const made = this.made.get(service) ?? this.make(service);
    this.made.set(service, made);
    return made;
  }

  private async make(service: 'gateway' | 'image-builder'): Promise<Messaging> {
    const database = await Database.connect({ url: this.database.url, schema: schemaOf(service), applicationName: service });
    await database.migrate(messagingMigrations, 'messaging');
    const log = new KafkajsEventLog({ brokers: [...realParts().kafkaBrokers], clientId: service, logger: silent });
    const { signer } = this.keys.keys[service];
    const messaging = new Messaging({
      service,
      database,
      log,
      signer,
      trust: this.keys.trust,
      registry: new Registry(),
      logger: silent,
      topicPrefix: this.prefix,
    });
    this.voices.push({ messaging, database, log });
    return messaging;
  }
}
