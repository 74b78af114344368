import { Inject, Injectable } from '@nestjs/common';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import { type BuildLog, BuildLogs } from './build-log.js';
import { type Begun, BuildRecord, type BuildWork } from './build-record.js';
import { imageLabels, releaseTag } from './domain/names.js';
import type { ImageBuilderConfig } from './image-builder.config.js';
import { ImageBackend, type Order, type Produced, type Progress } from './ports.js';
import { workKinds } from './settling.js';

/** How soon to look again whether the same revision has its image, in ms; whoever finishes it hurries us anyway. */
const twinMs = 5_000;

/**
 * Builds a release's image: claims it, lets the backend work, and records what came of it. What a build leaves outside is known by its content, and what a late
 * one leaves there changes nothing that is recorded: nothing is armed for it.
 */
@Injectable()
export class RunBuild implements Work<BuildWork> {
  readonly kind = workKinds.build;
  readonly concurrency: number;
  readonly yields = 'first';
  /** Who loses it has a whole build to begin anew, so that it outlasts a restart of the database. */
  readonly leaseMs = 12_000;
  readonly callTimeoutMs = 10_000;

  constructor(
    private readonly record: BuildRecord,
    private readonly backend: ImageBackend,
    private readonly logs: BuildLogs,
    @Inject(SERVICE_CONFIG) config: ConfigOf<typeof ImageBuilderConfig>,
  ) {
    this.concurrency = config.SLIPWAY_BUILD_CONCURRENCY;
  }

  async run(claim: Claim<BuildWork>): Promise<Outcome> {
    const begun = await this.record.begin(claim);
    if (begun.state === 'over') return { done: true };
    if (begun.state === 'same-as') {
      const { twin } = begun;
      if (!twin.image) return { again: { afterMs: twinMs, reason: `release ${twin.release.number} builds the same revision` } };
      if (await this.record.taken(claim, twin)) return { done: true };
      return { again: { afterMs: 0, reason: `the image of release ${twin.release.number} was retired` } };
    }
    await this.build(claim, begun);
    return { done: true };
  }

  private async build(claim: Claim<BuildWork>, begun: Extract<Begun, { state: 'begun' }>): Promise<void> {
    const { release } = begun.build;
    // Chunks of a log are numbered from 0: each claim that writes one has a stream of its own.
    const progress = (claim.operation.progress ?? {}) as Progress;
    const logs = (progress.logs ?? 0) + 1;
    await claim.note({ ...progress, logs });
    const log = this.logs.open(claim.operation.input, logs);
    try {
      log.note(`building release ${release.number} of ${release.project}: ${release.revision} at ${release.ref}`);
      const produced = await this.produce(claim, begun, log, { ...progress, logs });
      log.note(produced.outcome === 'built' ? `built ${produced.digest}` : `failed: ${produced.reason.message}`);
      if (produced.outcome === 'built') await this.record.built(claim, begun, produced.digest);
      else await this.record.failed(claim, begun, { ...produced, logTail: log.tail() });
    } catch (error) {
      log.note(`interrupted: ${wordsOf(claim.signal.aborted ? claim.signal.reason : error)}`);
      throw error;
    } finally {
      log.end();
    }
  }

  private async produce(
    claim: Claim<BuildWork>,
    { build, recipe, startedAt }: Extract<Begun, { state: 'begun' }>,
    log: BuildLog,
    progress: Progress,
  ): Promise<Produced> {
    const order: Order = {
      release: build.release,
      attempt: build.attempt,
      recipe,
      tag: releaseTag(build.release),
      labels: imageLabels(build, recipe, startedAt),
    };
    return await this.backend.produce(order, {
      signal: claim.signal,
      progress,
      keep: (more) => claim.note({ ...progress, ...more }),
      log: (line) => {
        // It builds, so it has the source and an engine.
        for (const part of ['source', 'docker-engine']) claim.answers(part);
        log.write(line);
      },
      note: (line) => log.note(line),
    });
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
