import { Injectable } from '@nestjs/common';
import type { DeploymentSucceeded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge, Requests } from './ports.js';
import { Telling } from './telling.js';

/** A test environment runs something else now: open requests of other releases say so. */
@Injectable()
export class OnDeploymentSucceeded implements Handler<typeof DeploymentSucceeded> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly telling: Telling,
  ) {}

  async handle({ data, time }: Received<typeof DeploymentSucceeded>, unit: UnitOfWork): Promise<void> {
    const { release, environment, image, address } = data;
    await this.knowledge.keepStanding(unit.tx, { project: release.project, environment, release, image, address }, new Date(time));
    for (const request of await this.requests.undecided(unit.tx, { project: release.project })) {
      if (request.state === 'open' && request.release.id !== release.id) await this.telling.requested(unit, request);
    }
  }
}
