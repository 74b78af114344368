import { Injectable } from '@nestjs/common';
import { environmentKey, type ProjectApplied, type ProjectFile, type Reason } from '@slipway/contracts';
import { amongWaiting } from '@slipway/deployments';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { owe } from '@slipway/operations';
import { environmentOf } from '@slipway/release';
import type { Queued } from './domain/test-environment.js';
import { Applied, Deployments } from './ports.js';
import { Stopping } from './stopping.js';
import { Telling } from './telling.js';

/** A project file is in force: test environments it no longer has are taken away. */
@Injectable()
export class OnProjectApplied implements Handler<typeof ProjectApplied> {
  constructor(
    private readonly applied: Applied,
    private readonly deployments: Deployments,
    private readonly stopping: Stopping,
    private readonly telling: Telling,
  ) {}

  async handle({ id, data }: Received<typeof ProjectApplied>, unit: UnitOfWork): Promise<void> {
    const { project, version, file } = data;
    if (!(await this.applied.keepProject(unit.tx, project, version, file))) return;
    for (const environment of await this.deployments.environmentsOf(unit.tx, project)) {
      const reason = whyGone(file, project, environment);
      const state = await this.deployments.environment(unit.tx, project, environment);
      await this.deployments.saveEnvironment(unit.tx, { ...state, removing: reason });
      if (reason) await this.takeAway(unit, { project, environment, version, reason, causationId: id });
      else await this.telling.nextTurn(unit, project, environment);
    }
  }

  private async takeAway(
    unit: UnitOfWork,
    of: { project: string; environment: string; version: number; reason: Reason; causationId: string },
  ): Promise<void> {
    const { project, environment, version, reason, causationId } = of;
    const running = await this.deployments.running(unit.tx, project, environment);
    const all = (waiting: readonly Queued[]) => waiting;
    const waiting = await amongWaiting(this.deployments, unit.tx, { project, environment }, all, all);
    for (const { id } of running ? [...waiting, running] : waiting) await this.stopping.stop(unit, { id, project, environment }, reason);
    const key = `${environmentKey(project, environment)}/${version}`;
    await owe(unit.tx, { kind: 'removal', key, input: { project, environment }, cause: { causationId } });
  }
}

function whyGone(file: ProjectFile | null, project: string, environment: string): Reason | null {
  if (file === null) return { code: 'project-removed', message: `project ${project} was removed` };
  if (environmentOf(file, environment)?.stage === 'test') return null;
  return { code: 'environment-removed', message: `project ${project} has no test environment ${environment} any more` };
}
