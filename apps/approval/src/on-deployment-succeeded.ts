import { Injectable } from '@nestjs/common';
import type { DeploymentSucceeded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge } from './ports.js';
import { Telling } from './telling.js';

/** A test environment runs something else now: open requests say so, also that of what is back there. */
@Injectable()
export class OnDeploymentSucceeded implements Handler<typeof DeploymentSucceeded> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly telling: Telling,
  ) {}

  async handle({ data, time }: Received<typeof DeploymentSucceeded>, unit: UnitOfWork): Promise<void> {
    const { release, environment, image, address } = data;
    await this.knowledge.keepStanding(unit.tx, { project: release.project, environment }, { release, image, address }, new Date(time));
    await this.telling.testChanged(unit, release.project, environment);
  }
}
