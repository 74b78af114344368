import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { EnvironmentDrifted, EnvironmentRecovered, environmentKey, inSeconds } from '@slipway/contracts';
import { awaiting } from '@slipway/deployments';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { type Observed, TargetUnavailable } from '@slipway/orchestrators';
import { Converging, type Held } from './converging.js';
import { Rollouts } from './ports.js';

interface Input {
  readonly project: string;
  readonly environment: string;
}

/** How long one watch lasts before everything is looked at afresh: what no event told shows then. */
const watchMs = 30_000;
/** How many looks in a row an instance must fail to answer before it counts as unwell: a busy host alone is no drift. */
const looksBeforeBelief = 3;

/** Watches over an environment that runs something: sees what dies or drifts, says so, and brings it back. Never ends. */
@Injectable()
export class RunGuard implements Work<Input> {
  readonly kind = 'guard';
  readonly callTimeoutMs = 8_000;
  /** There is one for each environment, and no release waits for it: renewed seldom. */
  readonly leaseMs = 16_000;
  readonly concurrency = 500;

  constructor(
    private readonly converging: Converging,
    private readonly rollouts: Rollouts,
  ) {}

  async run(claim: Claim<Input>): Promise<Outcome> {
    try {
      const held = await this.converging.look(claim);
      if (!held) return { again: { afterMs: 5000, reason: 'nothing to guard now' } };
      return { again: { afterMs: (await this.watch(claim, held)) ? 0 : 2000, reason: 'watches on' } };
    } catch (error) {
      if (error instanceof TargetUnavailable) return awaiting(error, claim.operation.input.environment, 2000);
      throw error;
    }
  }

  /** Ends with true when it is time to look at everything afresh, with false when what is wrong could not be mended. */
  private async watch(claim: Claim<Input>, held: Held): Promise<boolean> {
    const { running, environment, project } = held.state;
    const signal = AbortSignal.any([claim.signal, AbortSignal.timeout(watchMs)]);
    const place = { project, environment, namespace: running?.deployment.target.namespace ?? 'default' };
    for await (const observed of held.orchestrator.watch(place, signal)) {
      if (faultsOf(observed, held).length === 0 && held.state.driftedSince === null) continue;
      // What should run may have changed since this watch began: a scale, or a rollout that has just ended.
      const now = await this.converging.look(claim);
      if (!now) return true;
      const wrong = await confirmed(observed, now, place, signal);
      if (wrong.length === 0 && now.state.driftedSince === null) return true;
      if (wrong.length > 0) await this.sayDrifted(claim, now.newer === null ? wrong : [now.newer, ...wrong]);
      if (!(await this.converging.converge(claim, now))) return false;
      await this.sayRecovered(claim, wrong);
      return true;
    }
    return true;
  }

  private async sayDrifted(claim: Claim<Input>, found: string[]): Promise<void> {
    const { project, environment } = claim.operation.input;
    await claim.transact(async (unit) => {
      const state = await this.rollouts.environment(unit.tx, project, environment);
      if (!state.running || state.driftedSince !== null) return;
      await this.rollouts.saveEnvironment(unit.tx, { ...state, driftedSince: unit.now.toISOString() });
      unit.publish(EnvironmentDrifted, {
        subject: environmentKey(project, environment),
        data: { project, environment, release: state.running.release, found: found.slice(0, 50), healing: true },
      });
    });
  }

  private async sayRecovered(claim: Claim<Input>, found: string[]): Promise<void> {
    const { project, environment } = claim.operation.input;
    await claim.transact(async (unit) => {
      const state = await this.rollouts.environment(unit.tx, project, environment);
      if (!state.running || state.driftedSince === null) return;
      await this.rollouts.saveEnvironment(unit.tx, { ...state, driftedSince: null });
      const seconds = (unit.now.getTime() - Date.parse(state.driftedSince)) / 1000;
      const what = found.join('; ').slice(0, 1000);
      unit.publish(EnvironmentRecovered, {
        subject: environmentKey(project, environment),
        data: { project, environment, release: state.running.release, seconds: Math.max(0, seconds), what },
      });
    });
  }
}

/**
 * What is wrong, when it is more than a moment's: what is gone or different is acted on at once, an instance that only did not answer is
 * asked again first.
 */
async function confirmed(
  observed: Observed,
  held: Held,
  place: Parameters<Held['orchestrator']['observe']>[0],
  signal: AbortSignal,
): Promise<string[]> {
  const everyMs = inSeconds(held.state.running?.deployment.app.health.every ?? '2s') * 1000;
  let wrong = faultsOf(observed, held);
  for (let look = 1; look < looksBeforeBelief && wrong.length > 0 && observed.drift.length === 0; look++) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return [];
    wrong = faultsOf(await held.orchestrator.observe(place, signal), held);
  }
  return wrong;
}

/** What is wrong with what runs, in words; empty when it is what was approved. */
function faultsOf(observed: Observed, { state }: Held): string[] {
  const wanted = state.scaledTo ?? state.running?.deployment.app.instances ?? 0;
  const faults = observed.drift.map((drift) => drift.detail);
  const digest = state.running?.deployment.image.digest;
  if (observed.digest !== undefined && observed.digest !== digest) faults.push(`runs ${observed.digest} instead of ${digest}`);
  if (faults.length === 0 && observed.ready < wanted) faults.push(`${observed.ready} of ${wanted} instances serve`);
  return faults.map((fault) => fault.slice(0, 1000));
}
