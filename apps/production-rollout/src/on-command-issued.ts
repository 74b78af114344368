import { Injectable } from '@nestjs/common';
import { CommandAccepted, type CommandAction, type CommandIssued, CommandRefused, environmentKey, type Reason } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { owe } from '@slipway/operations';
import { v7 } from 'uuid';
import { isBehind } from './domain/ahead.js';
import { commanded, goBackTo, standingNow } from './domain/environment.js';
import { Placing } from './placing.js';
import { Rollouts } from './ports.js';
import { Telling } from './telling.js';

type Command = Received<typeof CommandIssued>;
type Scale = Extract<CommandAction, { kind: 'environment.scale' }>;
type Rollback = Extract<CommandAction, { kind: 'environment.rollback' }>;

/** What a person asks of an environment: another number of instances, or an earlier release. */
@Injectable()
export class OnCommandIssued implements Handler<typeof CommandIssued> {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly placing: Placing,
    private readonly telling: Telling,
  ) {}

  async handle(event: Command, unit: UnitOfWork): Promise<void> {
    const { action, service, command } = event.data;
    if (service !== 'production-rollout') return;
    const answer = await this.carryOut(event, unit, action);
    if (answer !== null && typeof answer === 'object')
      unit.publish(CommandRefused, { subject: event.subject, data: { command, reason: answer } });
    else if (answer) unit.publish(CommandAccepted, { subject: event.subject, data: { command, message: answer } });
  }

  private async carryOut(event: Command, unit: UnitOfWork, action: CommandAction): Promise<Reason | string | null> {
    switch (action.kind) {
      case 'environment.scale':
        return this.scale(event, unit, action);
      case 'environment.rollback':
        return this.rollBack(event, unit, action);
      case 'release.cancel':
        return this.cancel(unit, action.release, event.data.reason);
      case 'release.retry':
        return { code: 'needs-sign-off', message: 'a rollout that ended takes a new sign-off: ask for it anew (slipway release ask)' };
      default:
        return { code: 'unknown-command', message: `production-rollout does not know ${action.kind}` };
    }
  }

  /** What waits for its turn ends. What has begun is undone by going back: half a rollout is nothing to leave behind. */
  private async cancel(unit: UnitOfWork, release: string, why: string): Promise<Reason | string> {
    const waiting = (await this.rollouts.waitingOf(unit.tx, release)).filter((rollout) => rollout.kind === 'rollout');
    if (waiting.length === 0)
      return { code: 'under-way', message: 'nothing of this release waits; to undo a rollout that has begun, roll the environment back' };
    for (const rollout of waiting) await this.telling.aborted(unit, rollout, { code: 'cancelled', message: why }, null);
    return `${waiting.length === 1 ? 'its rollout' : `${waiting.length} rollouts`} will not begin`;
  }

  private async scale({ id, time, data }: Command, unit: UnitOfWork, { project, environment, instances }: Scale): Promise<Reason | string> {
    const state = await this.rollouts.environment(unit.tx, project, environment);
    if (!state.running) return nothingRuns(project, environment);
    if ((await this.rollouts.withdrawn(unit.tx, project)).has(state.running.release.id)) {
      return { code: 'withdrawn', message: `release ${state.running.release.number} runs here and was withdrawn: roll back first` };
    }
    if (isBehind(state)) return notKnown(project, environment, state.ahead);
    const next = commanded(state, 'scale', time);
    if (!next) return overtaken('the number of instances was set');
    const planned = state.running.deployment.app.instances;
    const from = state.scaledTo ?? planned;
    await this.rollouts.saveEnvironment(unit.tx, { ...next, scaledTo: instances });
    const input = { project, environment, from, by: data.person, reason: data.reason };
    await owe(unit.tx, { kind: 'scale', key: data.command, input, closeAfter: 3600, cause: { causationId: id } });
    const words = `${environmentKey(project, environment)} goes from ${from} to ${instances ?? planned} instances`;
    const place = await this.placing.where(unit.tx, state.running.deployment);
    const but = 'waitsFor' in place ? place.waitsFor : place.newer;
    return but === null ? words : `${words}; ${but}`;
  }

  /** Accepted or refused only when it is known that the image can still be had: run-rollout answers. */
  private async rollBack({ id, time, data }: Command, unit: UnitOfWork, { project, environment, to }: Rollback): Promise<Reason | null> {
    const state = await this.rollouts.environment(unit.tx, project, environment);
    const underWay = await this.rollouts.running(unit.tx, project, environment);
    if (!state.running && !underWay) return nothingRuns(project, environment);
    const next = commanded(state, 'rollback', time);
    if (!next) return overtaken('somebody asked to go back');
    const isRollingOut = underWay?.kind === 'rollout';
    const target = goBackTo(state, to, await this.rollouts.withdrawn(unit.tx, project), isRollingOut);
    if (!target) {
      const stands = standingNow(state, isRollingOut)?.number;
      const numbers = state.history.map((standing) => standing.release.number).filter((number) => number !== stands);
      const known = numbers.length === 0 ? 'no other release was good here' : `good here were ${numbers.join(', ')}`;
      return {
        code: 'nothing-to-go-back-to',
        message: to === null ? `there is nothing to go back to: ${known}` : `release ${to} was never good here, or was withdrawn; ${known}`,
      };
    }
    await this.rollouts.saveEnvironment(unit.tx, next);
    const { release, deployment, grant } = await this.rollouts.standing(unit.tx, target);
    const asked = { by: data.person, command: data.command, reason: data.reason };
    const rollout = v7();
    const createdAt = unit.now.toISOString();
    await this.rollouts.insert(unit.tx, {
      id: rollout,
      kind: 'rollback',
      project,
      environment,
      release,
      deployment,
      grant,
      state: 'waiting',
      attempt: 0,
      asked,
      authors: [],
      createdAt,
      startedAt: null,
    });
    await owe(unit.tx, { kind: 'rollout', key: rollout, input: { rollout }, cause: { causationId: id, correlationId: release.id } });
    return null;
  }
}

function overtaken(what: string): Reason {
  return { code: 'overtaken', message: `${what} by a later command, which was heard first; ask again if this is still wanted` };
}

function notKnown(project: string, environment: string, ahead = 0): Reason {
  const message = `what runs in ${environmentKey(project, environment)} was brought by rollout ${ahead}, which the database does not know: it was brought back from a backup; let a release in or roll back first`;
  return { code: 'older-than-what-runs', message };
}

function nothingRuns(project: string, environment: string): Reason {
  return { code: 'nothing-runs', message: `nothing runs in ${environmentKey(project, environment)} yet` };
}
