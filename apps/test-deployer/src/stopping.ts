import { Injectable } from '@nestjs/common';
import type { Reason } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import { cancel } from '@slipway/operations';
import type { TestDeployment } from './domain/test-environment.js';
import { Deployments } from './ports.js';
import { Telling } from './telling.js';

/** Gives up a deployment, whatever it is at. */
@Injectable()
export class Stopping {
  constructor(
    private readonly deployments: Deployments,
    private readonly telling: Telling,
  ) {}

  /**
   * One that waits, or is being verified, ends here. One that changes the target ends when its worker has stopped (`cancelled` of run-deployment):
   * until then nobody else may begin there.
   */
  async stop(
    unit: UnitOfWork,
    { id, project, environment }: Pick<TestDeployment, 'id' | 'project' | 'environment'>,
    reason: Reason,
  ): Promise<void> {
    const state = await this.deployments.environment(unit.tx, project, environment);
    const deployment = await this.deployments.find(unit.tx, id);
    if (deployment?.state === 'deploying') await cancel(unit.tx, 'deployment', id, reason.message.slice(0, 1000));
    if (deployment?.state === 'verifying') {
      await cancel(unit.tx, 'verification', id, reason.message.slice(0, 1000));
      const { occupant } = state;
      if (occupant?.deployment === id)
        await this.deployments.saveEnvironment(unit.tx, { ...state, occupant: { ...occupant, state: 'failed' } });
    }
    if (deployment?.state !== 'waiting' && deployment?.state !== 'verifying') return;
    await this.telling.ended(unit, deployment, 'cancelled', reason);
    await this.telling.nextTurn(unit, project, environment);
  }
}
