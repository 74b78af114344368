import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { Conflict, DockerEngine, EngineError, NotFound, type PreparedContext, prepareContext, Unavailable } from '@slipway/docker-engine';
import { PartUnavailable } from '@slipway/operations';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import { forgetRuns } from '@slipway/source-control';
import { type ImageBuilderConfig, usualBuildNetwork } from '../image-builder.config.js';
import { ImageBackend, type Order, type Produced, type Production } from '../ports.js';
import { AnsweringClock } from './answering-clock.js';
import { absentIn, failureOf, OutOfTime } from './failures.js';
import { PulledBases } from './pulled-bases.js';
import { type Place, Registries } from './registries.js';
import { SourceArchives } from './source-archives.js';

/** The clock beside a build ends it; this only bounds what the clock could overlook. */
const longestMs = 24 * 3600 * 1000;
/** How long to wait for an engine that may be what is away. */
const pingMs = 3000;

/** {@link ImageBackend} on a Docker Engine. Nothing of ours reaches a build but the files of the revision: no socket, key or credential. */
@Injectable()
export class DockerImageBackend extends ImageBackend {
  private readonly spoolFolder: string;
  private readonly bases: PulledBases;

  constructor(
    private readonly engine: DockerEngine,
    private readonly registries: Registries,
    private readonly sources: SourceArchives,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof ImageBuilderConfig>,
  ) {
    super();
    this.spoolFolder = join(config.SLIPWAY_DATA_DIR, 'contexts');
    mkdirSync(this.spoolFolder, { recursive: true, mode: 0o700 });
    this.bases = new PulledBases(join(config.SLIPWAY_DATA_DIR, 'bases'), engine.images);
  }

  async produce(order: Order, production: Production): Promise<Produced> {
    try {
      const place = await this.registries.of(order.recipe.repository);
      const before = production.progress.imageId;
      if (before !== undefined) {
        const digest = await this.pushed(place, order.tag, before, production.signal);
        if (digest !== undefined) return { outcome: 'built', digest };
      }
      const there = before !== undefined && (await this.engine.images.inspect(before, { signal: production.signal }));
      const imageId = there ? there.id : await this.build(order, production);
      return { outcome: 'built', digest: await this.push(place, order, imageId, production) };
    } catch (error) {
      const failure = production.signal.aborted ? undefined : failureOf(error, { memory: this.config.SLIPWAY_BUILD_MEMORY });
      if (failure) return failure;
      const part = production.signal.aborted ? undefined : await absentIn(error, () => this.engineAnswers());
      throw part === undefined ? error : new PartUnavailable(part, (error as Error).message, { cause: error });
    }
  }

  private async engineAnswers(): Promise<boolean> {
    return this.engine.ping({ timeoutMs: pingMs }).then(
      () => true,
      () => false,
    );
  }

  async tidy(olderThan: Date, signal: AbortSignal): Promise<void> {
    // Each is tried, whatever becomes of the others: a full disk is no reason to keep images.
    const tried = await Promise.allSettled([
      this.tidyEngine(olderThan, signal),
      this.bases.tidy(olderThan, signal),
      forgetRuns(this.spoolFolder),
      this.sources.tidy(signal),
    ]);
    throwAll(tried.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : [])));
  }

  private async tidyEngine(olderThan: Date, signal: AbortSignal): Promise<void> {
    const { images } = this.engine;
    const built = await images.list({ labels: { 'dev.slipway.release': true } }, { signal });
    // What a build that failed or was called off came to, and all but the last stage of any: the classic builder gives it no name and no label. To the
    // engine, what was pulled by its digest dangles too.
    const unnamed = (await images.list({ dangling: true }, { signal })).filter(({ repositoryDigests }) => repositoryDigests.length === 0);
    const old = [...built, ...unnamed].filter(({ createdAt }) => new Date(createdAt) < olderThan);
    const failed: Error[] = [];
    for (const { id, tags } of new Map(old.map((image) => [image.id, image])).values()) {
      for (const reference of tags.length > 0 ? tags : [id]) {
        // A container uses it, or another image is built on it: it has to stay. One that the engine cannot remove keeps none of the others.
        await images.remove(reference, { signal }).catch((error: unknown) => {
          if (error instanceof Conflict) return;
          if (!(error instanceof EngineError) || error.statusCode === undefined) throw error;
          failed.push(error);
        });
      }
    }
    throwAll(failed);
  }

  private async build(order: Order, { signal, log, note, keep }: Production): Promise<string> {
    const { recipe, labels } = order;
    const seconds = Math.min(recipe.timeout, this.config.SLIPWAY_BUILD_TIMEOUT);
    const context = await this.context(order, signal);
    const pulled: string[] = [];
    const clock = new AnsweringClock((stop) => this.engine.ping({ signal: stop }), seconds * 1000);
    try {
      const { imageId } = await this.engine.buildImage({
        context: () => context.open(),
        dockerfile: context.dockerfile,
        tag: nameOf(order),
        labels,
        args: recipe.args,
        ...(recipe.target === null ? {} : { target: recipe.target }),
        limits: this.limits(),
        networkMode: await this.network(signal),
        registries: await this.registries.forBases(),
        onLog: log,
        onNote: note,
        onPulled: (reference) => pulled.push(reference),
        signal: AbortSignal.any([signal, clock.signal]),
        timeoutMs: longestMs,
      });
      await keep({ imageId });
      return imageId;
    } catch (error) {
      if (signal.aborted || !clock.signal.aborted) throw error;
      if (clock.silent) throw new Unavailable('build: the Docker Engine has stopped answering', undefined, { cause: error });
      throw new OutOfTime(seconds);
    } finally {
      clock.stop();
      await context.dispose();
      // One that cannot be noted stays, as if somebody else had pinned it.
      await Promise.all(pulled.map((reference) => this.bases.note(reference).catch(() => undefined)));
    }
  }

  /** On the engine's own bridge, where RUN steps would be otherwise, they meet the containers that somebody put nowhere else: a database, say. */
  private async network(signal: AbortSignal): Promise<string> {
    const name = this.config.SLIPWAY_BUILD_NETWORK;
    if (name !== usualBuildNetwork) return name;
    const wanted = { name, labels: { 'dev.slipway.builds': 'true' }, options: { 'com.docker.network.bridge.enable_icc': 'false' } };
    await this.engine.networks.ensure(wanted, { signal });
    return name;
  }

  private async context({ release, recipe }: Order, signal: AbortSignal): Promise<PreparedContext> {
    const archive = await this.sources.open(release, recipe.source, signal);
    const { context: folder, dockerfile } = recipe;
    return await prepareContext(archive, {
      folder,
      dockerfile,
      maxBytes: this.config.SLIPWAY_BUILD_CONTEXT_BYTES,
      spoolFolder: this.spoolFolder,
      signal,
    });
  }

  private limits() {
    const { SLIPWAY_BUILD_MEMORY: memoryBytes, SLIPWAY_BUILD_CPUS: cpus, SLIPWAY_BUILD_CGROUP_PARENT: cgroupParent } = this.config;
    const { SLIPWAY_BUILD_DISK: diskBytes, SLIPWAY_BUILD_PIDS: pids } = this.config;
    return {
      memoryBytes,
      diskBytes,
      pids,
      ...(cpus === undefined ? {} : { cpus }),
      ...(cgroupParent === undefined ? {} : { cgroupParent }),
    };
  }

  /** Pushes and asks the registry itself for what it now has; the digest it names must stand for the image built here. */
  private async push(place: Place, order: Order, imageId: string, { signal, note }: Production): Promise<string> {
    await this.engine.images.tag(imageId, order.recipe.repository, order.tag, { signal });
    note(`pushing ${nameOf(order)}`);
    const { digest } = await this.engine
      .push({ reference: nameOf(order), signal, ...(place.auth ? { auth: place.auth } : {}) })
      .catch((error: unknown) => {
        // The image went away from under us, as by a prune: the next try builds it again.
        throw error instanceof NotFound ? new Unavailable(error.message, error.statusCode, { cause: error }) : error;
      });
    const confirmed = await this.pushed(place, digest, imageId, signal);
    if (confirmed === undefined)
      throw new Unavailable(`push ${nameOf(order)}: the registry does not have ${digest}, or it is another image`);
    return confirmed;
  }

  /** The digest under which the registry has exactly this image, by tag or digest; known by the id of its configuration. */
  private async pushed({ registry, path }: Place, reference: string, imageId: string, signal: AbortSignal): Promise<string | undefined> {
    const manifest = await registry.manifest(path, reference, { signal });
    if (manifest === undefined) return undefined;
    const { config } = JSON.parse(manifest.bytes.toString()) as { config?: { digest?: string } };
    // An engine that keeps images in containerd names them by their manifest.
    return config?.digest === imageId || manifest.digest === imageId ? manifest.digest : undefined;
  }
}

function throwAll(failed: readonly Error[]): void {
  if (failed.length > 1) throw new AggregateError(failed, failed.map(({ message }) => message).join('; '));
  if (failed[0]) throw failed[0];
}

function nameOf(order: Order): string {
  return `${order.recipe.repository}:${order.tag}`;
}
