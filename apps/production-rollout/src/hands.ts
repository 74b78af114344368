import { Injectable } from '@nestjs/common';
import { environmentKey } from '@slipway/contracts';
import type { RolloutClaim } from '@slipway/deployments';
import type { Claim } from '@slipway/operations';
import { Database } from '@slipway/postgres';

interface Place {
  readonly project: string;
  readonly environment: string;
}

/** How often whoever heals or scales looks whether a rollout wants the environment. */
const yieldMs = 500;

/**
 * One pair of hands on an environment: a rollout, a scale or the guard, never two of them. Whoever finds it taken comes again later. A lock keeps them apart
 * for as long as one of them needs; where it is lost, or freed by a death, the place that they take keeps their calls apart.
 */
@Injectable()
export class Hands {
  constructor(private readonly database: Database) {}

  /** Runs `work` with a claim that ends when the hands are lost; undefined when somebody else's are on it, or may still be acting there. */
  async on<T>(place: Place, claim: Claim<unknown>, work: (claim: RolloutClaim) => Promise<T>, letGo?: AbortSignal): Promise<T | undefined> {
    const name = `environment/${environmentKey(place.project, place.environment)}`;
    const lock = await this.database.locks.hold(name);
    if (!lock) return undefined;
    try {
      return (await claim.take(name)) ? await work(within(claim, lock.signal, letGo)) : undefined;
    } finally {
      await lock.release();
    }
  }

  /** The same, and lets go after the call that is under way when `isWanted` says that somebody with a better reason waits. */
  async lightlyOn<T>(
    place: Place,
    claim: Claim<unknown>,
    isWanted: () => Promise<boolean>,
    work: (claim: RolloutClaim) => Promise<T>,
  ): Promise<T | undefined> {
    const letGo = new AbortController();
    const look = () => isWanted().then((wanted) => wanted && letGo.abort(new Error('a rollout wants the environment')));
    // What cannot be asked now is asked again; the claim itself ends when the database stays away.
    const timer = setInterval(() => void look().catch(() => undefined), yieldMs);
    try {
      return await this.on(place, claim, work, letGo.signal);
    } finally {
      clearInterval(timer);
    }
  }
}

/** What is cut off because the hands are lost stays armed; whoever is only to let go may have his answer. */
function within(claim: Claim<unknown>, held: AbortSignal, letGo?: AbortSignal): RolloutClaim {
  return { signal: AbortSignal.any([claim.signal, held, ...(letGo ? [letGo] : [])]), act: (ms, call) => claim.act(ms, call, held) };
}
