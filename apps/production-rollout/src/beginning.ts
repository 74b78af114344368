import { Injectable } from '@nestjs/common';
import type { Reason } from '@slipway/contracts';
import { amongWaiting, SecretChanged } from '@slipway/deployments';
import type { UnitOfWork } from '@slipway/messaging';
import { type Claim, hurry } from '@slipway/operations';
import type { Orchestrator } from '@slipway/orchestrators';
import { askedAt, beside, isSignedBefore, type Newest, newestOf } from './domain/ahead.js';
import { type EnvironmentState, type Queued, type Rollout, turnOf, unchangedSince } from './domain/environment.js';
import { begunIn } from './domain/once.js';
import { GrantsGoodNow, Proofs, Rollouts, Secrets } from './ports.js';
import { Telling } from './telling.js';

/** `begun`: the intent is written. `ended`: it never will be. Else it waits, and says for what. */
export type Begun =
  | 'begun'
  | 'ended'
  | { readonly waitsFor: string; readonly afterMs: number; readonly away?: { readonly part: 'approval'; readonly environment: string } };

/** How soon a rollout looks again whether its grant is good. */
const grantMs = 1000;
/** Whose turn is next is woken; this is for what was missed. The longer the queue, the more seldom each looks: together they look no more often. */
const queueMs = 10_000;
const queueEachMs = 4_000;

/** The step from waiting to under way: everything that must hold is looked at, the last of it in the transaction that writes the intent. */
@Injectable()
export class Beginning {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly grants: GrantsGoodNow,
    private readonly proofs: Proofs,
    private readonly secrets: Secrets,
    private readonly telling: Telling,
  ) {}

  async begin(claim: Claim<{ rollout: string }>, rollout: Rollout, orchestrator: Orchestrator): Promise<Begun> {
    const proven = this.proofs.whole(rollout.grant, rollout.deployment);
    const unproven = proven.ok ? undefined : proven.reason;
    const newest = await newestThere(rollout, orchestrator, claim.signal);
    const obstacle = unproven ?? (await this.secretGone(rollout)) ?? (await imageGone(rollout, orchestrator, claim.signal));
    return claim.transact(async (unit) => {
      if (obstacle) {
        const current = await this.rollouts.find(unit.tx, rollout.id);
        if (current?.state === 'waiting') await this.telling.aborted(unit, current, obstacle, null);
        return 'ended';
      }
      return this.takeTurn(unit, rollout, proven.ok ? proven.notAfter : '', newest);
    });
  }

  /** Whatever is deployed is proven right before. */
  unproven({ grant, deployment }: Rollout): Reason | undefined {
    const proven = this.proofs.whole(grant, deployment);
    return proven.ok ? undefined : proven.reason;
  }

  private async secretGone({ project, deployment }: Rollout): Promise<Reason | undefined> {
    try {
      for (const { name, version } of deployment.app.secrets) await this.secrets.read(project, name, version);
      return undefined;
    } catch (error) {
      if (error instanceof SecretChanged) return { code: 'secret-changed', message: error.message };
      throw error;
    }
  }

  private async takeTurn(unit: UnitOfWork, { id, project, environment }: Rollout, notAfter: string, newest: Newest): Promise<Begun> {
    const state = await this.rollouts.environment(unit.tx, project, environment);
    const running = await this.rollouts.running(unit.tx, project, environment);
    const withdrawn = await this.rollouts.withdrawn(unit.tx, project);
    const decide = (waiting: readonly Queued[]) => ({ ...turnOf(state, waiting, running !== undefined, withdrawn), among: waiting.length });
    const turn = await amongWaiting(this.rollouts, unit.tx, state, decide, ({ start, end }) => [
      ...end.map(({ rollout }) => rollout),
      ...(start ? [start] : []),
    ]);
    for (const { rollout, reason, supersededBy } of turn.end) await this.endInQueue(unit, rollout, reason, supersededBy);
    const mine = await this.rollouts.find(unit.tx, id);
    if (mine?.state !== 'waiting' || turn.end.some((each) => each.rollout.id === id)) return 'ended';
    if (turn.start?.id !== id) {
      if (turn.start) await hurry(unit.tx, 'rollout', turn.start.id);
      const waitsFor = running ? `release ${running.release.number} rolls out first` : 'another one goes first';
      return { waitsFor, afterMs: queueMs + turn.among * queueEachMs };
    }
    if (isSignedBefore(askedAt(mine), state.attempts, newest, unit.now)) {
      const message = `what runs here was brought since this was asked for, by rollout ${newest.attempt}, and the database knows of ${state.attempts}: it is older; ask for it anew`;
      await this.telling.aborted(unit, mine, { code: 'older-than-what-runs', message }, null);
      return 'ended';
    }
    // What is signed is looked at beside what approval's table says: a grant that lives longer by that alone is not good.
    const isOver = Date.parse(notAfter) <= unit.now.getTime();
    const granted =
      mine.kind === 'rollback' ? 'good' : isOver ? 'not good' : await this.grants.look(unit.tx, mine.grant, unchangedSince(state));
    if (granted === 'not good') return { waitsFor: 'a grant that is good now', afterMs: grantMs };
    if (granted === 'unheard')
      return {
        waitsFor: `approval to hear that ${saying(state)}; if that lasts, see its dead letters`,
        afterMs: grantMs,
        away: { part: 'approval', environment },
      };
    // Above whatever runs there, also where the database is older than that: whose number is the highest is the newest.
    const counted = { ...beside(state, newest.attempt), attempts: Math.max(state.attempts, newest.attempt) };
    const next = begunIn(counted, mine, notAfter, unit.now.toISOString());
    if (!next) {
      await this.telling.aborted(
        unit,
        mine,
        { code: 'begun-before', message: 'this has begun a rollout here before; ask for it anew' },
        null,
      );
      return 'ended';
    }
    await this.rollouts.saveEnvironment(unit.tx, next);
    this.telling.answer(unit, mine, null);
    const begun: Rollout = { ...mine, state: 'running', attempt: next.attempts, startedAt: unit.now.toISOString() };
    await this.rollouts.save(unit.tx, begun);
    this.telling.started(unit, begun, state.running?.release ?? null);
    return 'begun';
  }

  private async endInQueue(unit: UnitOfWork, { id }: Queued, reason: Reason, supersededBy: number | null): Promise<void> {
    const rollout = await this.rollouts.find(unit.tx, id);
    if (rollout?.state === 'waiting') await this.telling.aborted(unit, rollout, reason, supersededBy);
  }
}

function saying({ running }: EnvironmentState): string {
  return running ? `release ${running.release.number} runs here now` : 'nothing runs here any more';
}

async function newestThere(
  { project, environment, deployment }: Rollout,
  orchestrator: Orchestrator,
  signal: AbortSignal,
): Promise<Newest> {
  const { namespace = 'default' } = deployment.target;
  return newestOf((await orchestrator.observe({ project, environment, namespace }, signal)).instances);
}

async function imageGone({ deployment }: Rollout, orchestrator: Orchestrator, signal: AbortSignal): Promise<Reason | undefined> {
  const { repository, digest } = deployment.image;
  const has = await orchestrator.available(`${repository}@${digest}`, signal);
  return has.ok ? undefined : { code: has.refusal.kind, message: has.refusal.reason };
}
