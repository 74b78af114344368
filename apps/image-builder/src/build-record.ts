import { Injectable } from '@nestjs/common';
import type { DsseEnvelope } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import { type Claim, hurry, owe } from '@slipway/operations';
import { type Build, decide, type Input } from './domain/build.js';
import { builtProvenance, knownProvenance, type Made } from './domain/provenance.js';
import type { Recipe } from './domain/recipe.js';
import { BuildMetrics } from './image-builder.metrics.js';
import { Builds, RetiredImages } from './ports.js';
import { ProvenanceSigning } from './provenance-signing.js';
import { buildKey, Settling, workKinds } from './settling.js';

/** What a build operation is about. */
export interface BuildWork {
  readonly release: string;
  readonly attempt: number;
}

/** Where a claim stands: there is work, there is none any more, or another release's build is the same. */
export type Begun =
  | { readonly state: 'begun'; readonly build: Build; readonly recipe: Recipe; readonly startedAt: Date }
  | { readonly state: 'over' }
  | { readonly state: 'same-as'; readonly twin: Build };

/** Ends a transaction in which a retired image would have been taken. */
class JustRetired extends Error {}

type Ongoing = Extract<Begun, { state: 'begun' }>;

/** Writes down how a build goes: each method one transaction, fenced by the claim. What happened meanwhile (cancelled) stands. */
@Injectable()
export class BuildRecord {
  constructor(
    private readonly builds: Builds,
    private readonly settling: Settling,
    private readonly signing: ProvenanceSigning,
    private readonly metrics: BuildMetrics,
    private readonly retired: RetiredImages,
  ) {}

  /** Says that it has begun, unless it is over, overtaken, or the same revision is built for another release already. */
  async begin(claim: Claim<BuildWork>): Promise<Begun> {
    return await claim.transact(async (unit) => {
      const kept = await this.builds.find(unit.tx, claim.operation.input.release);
      if (!kept?.build.recipe || kept.build.attempt !== claim.operation.input.attempt) return { state: 'over' };
      const { build } = kept;
      if (build.state === 'queued') {
        if (await this.overtaken(unit, build)) return { state: 'over' };
        const twin = await this.builds.twinOf(unit.tx, build);
        if (twin) return { state: 'same-as', twin };
      }
      const decision = decide(build, { kind: 'started' });
      if (decision.outcome === 'refused') return { state: 'over' };
      await this.settling.settle(unit, build, decision);
      return { state: 'begun', build, recipe: kept.build.recipe, startedAt: kept.startedAt ?? unit.now };
    });
  }

  /** The image is in the registry: provenance, the event, and the attestation beside the image are owed together. */
  async built(claim: Claim<BuildWork>, { build, recipe, startedAt }: Ongoing, digest: string): Promise<void> {
    await this.end(claim, 'built', async (unit) => {
      const image = { repository: recipe.repository, digest };
      const made = { ...madeOf(build, startedAt, unit.now), image };
      const provenance = await this.signing.sign(builtProvenance(made, recipe));
      await owe(unit.tx, { kind: workKinds.attest, key: build.release.id, input: { release: build.release.id } });
      return { input: { kind: 'built', image, built: true, seconds: secondsBetween(startedAt, unit.now), provenance }, provenance };
    });
  }

  /** Another release of the same revision and recipe has its image: it is this one's too. False where that image was retired just now. */
  async taken(claim: Claim<BuildWork>, twin: Build): Promise<boolean> {
    try {
      await this.take(claim, twin);
      return true;
    } catch (error) {
      if (error instanceof JustRetired) return false;
      throw error;
    }
  }

  private async take(claim: Claim<BuildWork>, twin: Build): Promise<void> {
    await this.end(claim, 'taken', async (unit, build) => {
      if (!twin.image) throw new Error(`release ${twin.release.number} has no image to take`);
      if (await this.retired.retired(unit.tx, twin.image.digest)) throw new JustRetired();
      const made = { ...madeOf(build, unit.now, unit.now), image: twin.image };
      const provenance = await this.signing.sign(knownProvenance(made, { release: twin.release.id, number: twin.release.number }));
      return { input: { kind: 'built', image: twin.image, built: false, seconds: 0, provenance }, provenance };
    });
  }

  /** The Dockerfile, the source or a limit said no. */
  async failed(
    claim: Claim<BuildWork>,
    { startedAt }: Ongoing,
    why: Pick<Extract<Input, { kind: 'failed' }>, 'reason' | 'step' | 'logTail'>,
  ): Promise<void> {
    await this.end(claim, 'failed', async (unit) => ({
      input: { kind: 'failed', ...pick(why), seconds: secondsBetween(startedAt, unit.now) },
    }));
  }

  private async end(
    claim: Claim<BuildWork>,
    outcome: 'built' | 'taken' | 'failed',
    make: (unit: UnitOfWork, build: Build) => Promise<{ input: Extract<Input, { seconds: number }>; provenance?: DsseEnvelope }>,
  ): Promise<void> {
    await claim.complete(async (unit) => {
      const kept = await this.builds.find(unit.tx, claim.operation.input.release);
      // Called off while it was worked on: that was said already, and stands, also where it is tried again by now.
      if (!kept || kept.build.attempt !== claim.operation.input.attempt) return;
      if (kept.build.state !== 'queued' && kept.build.state !== 'building') return;
      const { input, provenance } = await make(unit, kept.build);
      await this.settling.settle(unit, kept.build, decide(kept.build, input), provenance ? { provenance } : {});
      for (const twin of await this.builds.waitingFor(unit.tx, kept.build)) await hurry(unit.tx, workKinds.build, buildKey(twin));
      unit.tx.afterCommit(() => this.metrics.ended(outcome, input.seconds));
    });
  }

  /** A newer release that came in the very same moment may not have seen this one. */
  private async overtaken(unit: UnitOfWork, build: Build): Promise<boolean> {
    const newest = await this.builds.newestOf(unit.tx, build.release.project, build.release.line);
    const decision = decide(build, { kind: 'overtaken', by: newest ?? 0 });
    if (decision.outcome !== 'changed' || build.attempt > 1) return false;
    await this.settling.settle(unit, build, decision);
    return true;
  }
}

function madeOf(build: Build, started: Date, finished: Date): Omit<Made, 'image'> {
  return {
    release: build.release,
    projectVersion: build.projectVersion,
    invocation: `build/${build.attempt}`,
    startedOn: started.toISOString(),
    finishedOn: finished.toISOString(),
  };
}

function pick({ reason, step, logTail }: Pick<Extract<Input, { kind: 'failed' }>, 'reason' | 'step' | 'logTail'>) {
  return { reason, step, logTail };
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, (to.getTime() - from.getTime()) / 1000);
}
