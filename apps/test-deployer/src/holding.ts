import { Injectable } from '@nestjs/common';
import { EnvironmentHeld, EnvironmentUnheld, environmentKey, type PersonReference, type Reason } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import { cancel, owe } from '@slipway/operations';
import { environmentOf } from '@slipway/release';
import { type Asked, type EnvironmentState, heldWords } from './domain/test-environment.js';
import { Applied, Deployments } from './ports.js';
import { Telling } from './telling.js';

/** Keeps a test environment as it is for somebody who looks at it, and lets it go. Answers with words: a reason is a no, a text is a yes. */
@Injectable()
export class Holding {
  constructor(
    private readonly deployments: Deployments,
    private readonly applied: Applied,
    private readonly telling: Telling,
  ) {}

  async hold(unit: UnitOfWork, at: { project: string; environment: string; until: string | null }, asked: Asked): Promise<Reason | string> {
    const { project, environment, until } = at;
    const { file } = (await this.applied.project(unit.tx, project)) ?? { file: null };
    if (file === null || environmentOf(file, environment)?.stage !== 'test') return unknownEnvironment(project, environment);
    if (until !== null && Date.parse(until) <= unit.now.getTime())
      return { code: 'past', message: `${until} is over; name a time to come` };
    const state = await this.deployments.environment(unit.tx, project, environment);
    if (state.hold && state.hold.by.id !== asked.by.id) return { code: 'held', message: heldWords(state.hold) };
    if (state.hold) await cancel(unit.tx, 'hold-end', state.hold.command, 'held anew');
    await this.deployments.saveEnvironment(unit.tx, { ...state, hold: { ...asked, until } });
    const input = { project, environment, command: asked.command };
    if (until !== null) await owe(unit.tx, { kind: 'hold-end', key: asked.command, input, notBefore: new Date(until) });
    const { by, reason } = asked;
    unit.publish(EnvironmentHeld, { subject: environmentKey(project, environment), data: { project, environment, by, reason, until } });
    return `${environmentKey(project, environment)} stays as it is${until === null ? '' : ` until ${until}`}`;
  }

  async unhold(unit: UnitOfWork, at: { project: string; environment: string }, asked: Asked): Promise<Reason | string> {
    const { project, environment } = at;
    const state = await this.lockedIfKnown(unit, project, environment);
    if (!state?.hold) return { code: 'not-held', message: `nobody holds ${environmentKey(project, environment)}` };
    await cancel(unit.tx, 'hold-end', state.hold.command, 'let go');
    await this.letGo(unit, state, asked.by, asked.reason);
    return `${environmentKey(project, environment)} may change again`;
  }

  /** Its time is over; nothing happens where it was let go, or held anew, before. */
  async runOut(unit: UnitOfWork, project: string, environment: string, command: string): Promise<void> {
    const state = await this.lockedIfKnown(unit, project, environment);
    if (state?.hold?.command === command) await this.letGo(unit, state, null, 'its time ran out');
  }

  /** Locked before it is looked at: of two who let go, or hold anew meanwhile, only one sees the hold. A name nobody knows makes no environment. */
  private async lockedIfKnown(unit: UnitOfWork, project: string, environment: string): Promise<EnvironmentState | undefined> {
    const isKnown = (await this.deployments.known(unit.tx, project, environment)) !== undefined;
    return isKnown ? this.deployments.environment(unit.tx, project, environment) : undefined;
  }

  private async letGo(unit: UnitOfWork, state: EnvironmentState, by: PersonReference | null, reason: string): Promise<void> {
    const { project, environment } = state;
    await this.deployments.saveEnvironment(unit.tx, { ...state, hold: null });
    unit.publish(EnvironmentUnheld, { subject: environmentKey(project, environment), data: { project, environment, by, reason } });
    await this.telling.nextTurn(unit, project, environment);
  }
}

export function unknownEnvironment(project: string, environment: string): Reason {
  return { code: 'environment-unknown', message: `project ${project} has no test environment ${environment}` };
}
