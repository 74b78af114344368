import { Injectable } from '@nestjs/common';
import { ImageRemoved, type Reason } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { BuildMetrics } from './image-builder.metrics.js';
import { PushedImages, type Retired, RetiredImages } from './ports.js';
import { workKinds } from './settling.js';

interface Input {
  readonly digest: string;
}

/** A registry that says no is asked again so seldom: somebody has to change its settings first. */
const askAgainMs = 24 * 3600 * 1000;
/** Within this an older replica's marks are sealed, where rows of before are believed (docs/adr/0021). */
const adoptedMs = 15 * 60 * 1000;
/** Releases of one project that an event names. */
const mostNamed = 1000;

/** Removes a retired image from its registry. What was retired stays so, so that nothing can need it in between, and to remove what is gone changes nothing. */
@Injectable()
export class RunImageRemoval implements Work<Input> {
  readonly kind = workKinds.removal;
  readonly concurrency = 2;
  readonly callTimeoutMs = 20_000;

  constructor(
    private readonly images: RetiredImages,
    private readonly registries: PushedImages,
    private readonly metrics: BuildMetrics,
  ) {}

  async run(claim: Claim<Input>): Promise<Outcome> {
    const { digest } = claim.operation.input;
    const retired = await claim.transact((unit) => this.images.retired(unit.tx, digest));
    if (!retired) {
      const isMarked = await claim.transact((unit) => this.images.isMarked(unit.tx, digest));
      const reason = 'a build, or its mark that its image is needed no longer, has no good seal: see slipway doctor';
      return isMarked ? { again: { afterMs: adoptedMs, reason } } : { done: true };
    }
    const ownOf = (tags: readonly string[]) => claim.transact((unit) => this.images.pushedAs(unit.tx, retired.image.repository, tags));
    const refused = await this.registries.remove(retired.image, ownOf, claim.signal);
    this.metrics.removal(refused ? 'refused' : 'removed');
    if (!refused) {
      await claim.complete(async (unit) => say(unit, retired, null));
      return { done: true };
    }
    // A crash in between says it twice; with each try it is not.
    if (claim.operation.progress !== refused.code) {
      await claim.transact(async (unit) => say(unit, retired, refused));
      await claim.note(refused.code);
    }
    return { again: { afterMs: askAgainMs, reason: refused.message } };
  }
}

function say(unit: UnitOfWork, { image, releases }: Retired, refused: Reason | null): void {
  for (const [project, those] of Map.groupBy(releases, (release) => release.project)) {
    const named = those.slice(-mostNamed).map(({ id, number }) => ({ id, number }));
    unit.publish(ImageRemoved, { subject: project, data: { project, image, releases: named, refused } });
  }
}
