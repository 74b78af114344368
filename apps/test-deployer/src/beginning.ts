import { Injectable } from '@nestjs/common';
import type { Reason } from '@slipway/contracts';
import { amongWaiting } from '@slipway/deployments';
import type { UnitOfWork } from '@slipway/messaging';
import { type Claim, hurry } from '@slipway/operations';
import {
  type EnvironmentState,
  isKeptUntilDecided,
  isSamePlace,
  type Queued,
  type TestDeployment,
  type Turn,
  turnOf,
} from './domain/test-environment.js';
import { Applied, Decisions, Deployments } from './ports.js';
import { type Ingredients, type Resolution, Resolving } from './resolving.js';
import { Telling } from './telling.js';

/** `begun`: the intent is written. `ended`: it never will be. Else it waits, and says for what. */
export type Begun = 'begun' | 'ended' | { readonly waitsFor: string; readonly afterMs: number };

/** Whatever a turn depends on wakes those who wait; this is for what was missed. */
const lookAgainMs = 15_000;
/** The longer the queue, the more seldom each looks: together they look no more often. */
const lookAgainEachMs = 4_000;

/** The step from waiting to under way, in one transaction that has the environment to itself. */
@Injectable()
export class Beginning {
  constructor(
    private readonly deployments: Deployments,
    private readonly applied: Applied,
    private readonly decisions: Decisions,
    private readonly resolving: Resolving,
    private readonly telling: Telling,
  ) {}

  async begin(claim: Claim<unknown>, deployment: TestDeployment): Promise<Begun> {
    const gathered = await this.resolving.gather(claim, deployment);
    if ('waitsFor' in gathered) return { waitsFor: gathered.waitsFor, afterMs: 5000 };
    return claim.transact(async (unit) => {
      const state = await this.deployments.environment(unit.tx, deployment.project, deployment.environment);
      const mine = await this.deployments.find(unit.tx, deployment.id);
      if (mine?.state !== 'waiting') return 'ended';
      if ('gone' in gathered) {
        await this.telling.ended(unit, mine, 'cancelled', gathered.gone);
        await this.telling.nextTurn(unit, state.project, state.environment);
        return 'ended';
      }
      if (!(await this.stillStands(unit, gathered))) return { waitsFor: 'the project file or the target has just changed', afterMs: 0 };
      return this.takeTurn(unit, state, mine, gathered);
    });
  }

  private async takeTurn(unit: UnitOfWork, state: EnvironmentState, mine: TestDeployment, ingredients: Ingredients): Promise<Begun> {
    const { project, environment } = state;
    const running = await this.deployments.running(unit.tx, project, environment);
    const isKept = await this.isKept(unit, state, ingredients);
    const decide = (waiting: readonly Queued[]) => ({ ...turnOf({ state, waiting, running, isKept }), among: waiting.length });
    const turn = await amongWaiting(this.deployments, unit.tx, state, decide, namedBy);
    for (const { deployment, reason } of turn.end) await this.supersede(unit, deployment, reason);
    if (turn.end.some(({ deployment }) => deployment.id === mine.id)) {
      await this.telling.nextTurn(unit, project, environment);
      return 'ended';
    }
    if (turn.start?.id !== mine.id) {
      if (turn.start) await hurry(unit.tx, 'deployment', turn.start.id);
      return { waitsFor: turn.waitsFor, afterMs: lookAgainMs + turn.among * lookAgainEachMs };
    }
    const resolution = this.resolving.resolve(mine, ingredients);
    if (resolution.ok) return this.write(unit, state, mine, resolution);
    await this.telling.ended(unit, mine, 'failed', resolution.reason);
    await this.telling.nextTurn(unit, project, environment);
    return 'ended';
  }

  private async supersede(unit: UnitOfWork, { id }: Queued, reason: Reason): Promise<void> {
    const deployment = await this.deployments.find(unit.tx, id);
    if (deployment?.state === 'waiting') await this.telling.ended(unit, deployment, 'superseded', reason);
  }

  /** The intent. From here on whoever takes over goes on with it. */
  private async write(
    unit: UnitOfWork,
    state: EnvironmentState,
    mine: TestDeployment,
    { resolved, checks, place }: Extract<Resolution, { ok: true }>,
  ): Promise<Begun> {
    const { release } = mine;
    const before = (await this.deployments.ofRelease(unit.tx, release.id)).filter((each) => each.environment === mine.environment);
    const attempt = Math.max(0, ...before.map((each) => each.attempt)) + 1;
    const startedAt = unit.now.toISOString();
    const begun: TestDeployment = { ...mine, state: 'deploying', attempt, resolved, checks, startedAt };
    const moves = state.place !== null && !isSamePlace(state.place, place);
    await this.deployments.save(unit.tx, begun);
    await this.deployments.saveEnvironment(unit.tx, {
      ...state,
      occupant: { deployment: mine.id, release, state: 'deploying' },
      place,
      leaving: moves ? state.place : state.leaving,
    });
    const replaced = state.occupant?.release ?? null;
    this.telling.started(unit, begun, replaced?.id === release.id ? null : replaced);
    return 'begun';
  }

  private async stillStands({ tx }: UnitOfWork, { project, target }: Ingredients): Promise<boolean> {
    const now = await this.applied.project(tx, project.file.metadata.name);
    const place = await this.applied.target(tx, target.file.metadata.name);
    return now?.version === project.version && place?.version === target.version;
  }

  private async isKept({ tx }: UnitOfWork, state: EnvironmentState, { project }: Ingredients): Promise<boolean> {
    const release = state.occupant?.release.id;
    if (release === undefined) return false;
    const attempts = await this.deployments.ofRelease(tx, release);
    const passed = new Set(attempts.filter((each) => each.state === 'passed').map((each) => each.environment));
    const isWithdrawn = await this.decisions.isWithdrawn(tx, release);
    return isKeptUntilDecided(project.file, state, { passed, decided: await this.decisions.of(tx, release), isWithdrawn });
  }
}

function namedBy({ start, end }: Turn): Queued[] {
  return [...end.map(({ deployment }) => deployment), ...(start ? [start] : [])];
}
