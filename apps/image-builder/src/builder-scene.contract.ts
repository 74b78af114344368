import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  BuildCancelled,
  BuildFailed,
  BuildStarted,
  CommandAccepted,
  CommandIssued,
  CommandRefused,
  CommitDetected,
  type EventDefinition,
  ImageBuilt,
  ImageRemoved,
  LogAppended,
  PartAway,
  PartBack,
  ProjectApplied,
  type ProjectFile,
  type Release,
} from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { type Handler, KafkajsEventLog, Messaging, messagingMigrations, type Received } from '@slipway/messaging';
import { Database, schemaOf } from '@slipway/postgres';
import { OciRegistry } from '@slipway/registry';
import { type Booted, boot, Registry } from '@slipway/service-kit';
import {
  aDatabase,
  aKeyRing,
  anId,
  aProjectFile,
  aRelease,
  aTopicPrefix,
  eventually,
  realParts,
  type TestDatabase,
  type TestKeyRing,
} from '@slipway/testkit';
import { pino } from 'pino';
import { ImageBuilderModule } from './image-builder.module.js';

const run = promisify(execFile);
const git = async (cwd: string, ...args: string[]): Promise<string> =>
  (await run('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@shop.example', ...args], { cwd })).stdout.trim();

/** A Dockerfile's first lines: nothing but one static binary. The scene makes `FROM scratch` of `FROM base`, with a label to tidy up by. */
export const base = 'FROM base\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n';

/** Two replicas of image-builder on the real parts, and in this process the two services that talk to them: source-watcher and gateway. */
export class BuilderScene {
  readonly heard: Received[] = [];
  readonly engine = DockerEngine.connect(process.env['DOCKER_HOST']);
  readonly registry = new OciRegistry({ host: realParts().registry });
  /** Unique for this scene: images and containers are found by it and removed. */
  readonly project = `b${anId().slice(-12)}`;
  private readonly speakers = new Map<string, { messaging: Messaging; database: Database; log: KafkajsEventLog }>();
  private readonly replicas: Booted[] = [];
  private number = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly keys: TestKeyRing,
    private readonly folder: string,
    private readonly prefix: string,
  ) {}

  static async build(settings: Record<string, string> = {}): Promise<BuilderScene> {
    const folder = await mkdtemp(join(tmpdir(), 'builder-scene-'));
    const scene = new BuilderScene(await aDatabase(), await aKeyRing(), folder, aTopicPrefix());
    const built = [BuildStarted, ImageBuilt, ImageRemoved, BuildFailed, BuildCancelled];
    const heard = [...built, CommandAccepted, CommandRefused, LogAppended, PartAway, PartBack];
    const speakers = [scene.speaker('gateway'), scene.speaker('source-watcher', heard)];
    await Promise.all([scene.start(settings), scene.start(settings), ...speakers]);
    return scene;
  }

  get repository(): string {
    return `${realParts().registry}/builder-scene/${this.project}`;
  }

  /** A project file with this repository as its source; `build` and `image` as given. */
  async apply(source: string, spec: Partial<Parameters<typeof aProjectFile>[0] & object>['spec'] = {}): Promise<number> {
    const file: ProjectFile = aProjectFile({
      name: this.project,
      spec: { source: { git: { url: `file://${source}`, branches: ['**'] } }, image: { repository: this.repository }, ...spec },
    });
    const version = ++this.number;
    const data = { project: this.project, version, file, by: { id: anId(), name: 'Ada' }, reason: '' };
    await this.say('gateway', ProjectApplied, this.project, data);
    return version;
  }

  /** A repository with one commit of these files; a value that starts with `->` is a link. */
  async commit(files: Record<string, string>): Promise<{ source: string; revision: string }> {
    const source = join(this.folder, 'sources', anId());
    await mkdir(source, { recursive: true });
    await git(source, 'init', '-q', '-b', 'main');
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(source, name)), { recursive: true });
      if (content.startsWith('->')) await symlink(content.slice(2), join(source, name));
      else
        await writeFile(join(source, name), content.replace(/^FROM base\n/, `FROM scratch\nLABEL dev.slipway.project=${this.project}\n`));
    }
    await copyFile('/bin/busybox', join(source, 'busybox'));
    await chmod(join(source, 'busybox'), 0o755);
    await git(source, 'add', '-A');
    await git(source, 'commit', '-q', '-m', 'Change the shop');
    return { source, revision: await git(source, 'rev-parse', 'HEAD') };
  }

  /** The same in Subversion: a repository whose trunk holds these files. */
  async commitSvn(files: Record<string, string>): Promise<{ url: string; revision: string }> {
    const { source } = await this.commit(files);
    await rm(join(source, '.git'), { recursive: true });
    const repository = join(this.folder, 'sources', anId());
    await run('svnadmin', ['create', repository]);
    await run('svn', ['import', '-q', '-m', 'Change the shop', source, `file://${repository}/trunk`]);
    return { url: `file://${repository}`, revision: '1' };
  }

  /** A release is born. */
  async detect(
    projectVersion: number,
    changes: Partial<Release>,
    image: { repository: string; digest: string } | null = null,
  ): Promise<Release> {
    const release = aRelease({ project: this.project, number: ++this.number, ...changes });
    const author = { name: 'Ann', email: 'ann@shop.example', account: null };
    await this.say('source-watcher', CommitDetected, release.id, {
      ...{ release, projectVersion, image, people: [author], pusher: null, repositoryFile: null },
      range: { from: null, commits: [], total: 1 },
      trigger: { kind: 'poll', person: null },
    });
    return release;
  }

  /** A person asks for something; the answer. */
  async command(kind: 'release.retry' | 'release.cancel', release: string): Promise<Received> {
    const command = anId();
    const person = { id: anId(), name: 'Ann' };
    await this.say('gateway', CommandIssued, release, {
      command,
      service: 'image-builder',
      action: { kind, release },
      person,
      role: 'developer',
      reason: 'please',
    });
    return await eventually(
      () => this.heard.find(({ name, data }) => name.startsWith('command.') && (data as { command: string }).command === command) ?? false,
    );
  }

  /** Waits for what is said about a release. */
  async told<E extends EventDefinition>(event: E, release: Release, within = 20_000): Promise<Received<E>> {
    const found = await eventually(() => this.all(event, release)[0] ?? false, { within });
    return found as Received<E>;
  }

  all<E extends EventDefinition>(event: E, release: Release): Received<E>[] {
    return this.heard.filter(({ name, subject }) => name === event.name && subject === release.id) as Received<E>[];
  }

  /** What was said in the logs of a release so far. */
  log(release: Release): string {
    return this.all(LogAppended, release)
      .map(({ data }) => data.text)
      .join('');
  }

  async query<T>(sql: string, params?: unknown[]): Promise<T[]> {
    return await this.database.query<T>(sql.replaceAll('$schema', schemaOf('image-builder')), params);
  }

  async say<E extends EventDefinition>(service: 'gateway' | 'source-watcher', event: E, subject: string, data: unknown): Promise<void> {
    const speaker = this.speakers.get(service);
    await speaker?.messaging.transact(async (unit) => void unit.publish(event, { subject, data: data as never }));
  }

  /** Stops the first replica as gently as it can. */
  async stopOne(): Promise<void> {
    await this.replicas.shift()?.stop();
  }

  async demolish(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    const silenced = [...this.speakers.values()].map(async ({ messaging, log, database }) => {
      await messaging.stop(2_000);
      await log.close();
      await database.close();
    });
    await Promise.all(silenced);
    const labels = { 'dev.slipway.project': this.project };
    for (const image of await this.engine.images.list({ labels })) await this.engine.images.remove(image.id, { force: true });
    const path = `builder-scene/${this.project}`;
    const digests = new Set<string>();
    for await (const tag of this.registry.tags(path)) digests.add((await this.registry.resolve(path, tag))?.digest ?? '');
    for (const digest of digests) if (digest) await this.registry.deleteManifest(path, digest);
    await this.database.drop();
    await this.keys.drop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async start(settings: Record<string, string>): Promise<void> {
    const environment = {
      KAFKA_BROKERS: realParts().kafkaBrokers.join(','),
      DATABASE_URL: this.database.url,
      SLIPWAY_DATA_DIR: join(this.folder, 'data'),
      SLIPWAY_KEY_FILE: this.keys.keyFiles['image-builder'] as string,
      SLIPWAY_TRUST_FILE: this.keys.trustFile,
      SLIPWAY_TOPIC_PREFIX: this.prefix,
      SLIPWAY_SOURCE_FILE_FOLDERS: join(this.folder, 'sources'),
      SLIPWAY_LOG_LEVEL: 'silent',
      PORT: '0',
      ...(process.env['DOCKER_HOST'] ? { DOCKER_HOST: process.env['DOCKER_HOST'] } : {}),
      ...settings,
    };
    this.replicas.push(await boot(ImageBuilderModule, { environment, ownsProcess: false }));
  }

  private async speaker(service: 'gateway' | 'source-watcher', hears: readonly EventDefinition[] = []): Promise<void> {
    const logger = pino({ level: 'silent' });
    const database = await Database.connect({ url: this.database.url, schema: schemaOf(service), applicationName: `scene ${service}` });
    await database.migrate(messagingMigrations, 'messaging');
    const log = new KafkajsEventLog({ brokers: realParts().kafkaBrokers, clientId: `scene-${service}`, logger });
    const key = this.keys.keys[service];
    const messaging = new Messaging({
      service,
      database,
      log,
      signer: key.signer,
      trust: this.keys.trust,
      registry: new Registry(),
      logger,
      topicPrefix: this.prefix,
    });
    const handler: Handler = { handle: async (event, unit) => unit.tx.afterCommit(() => void this.heard.push(event)) };
    await messaging.start(new Map(hears.map((event) => [event, handler])));
    this.speakers.set(service, { messaging, database, log });
  }
}
