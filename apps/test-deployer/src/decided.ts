import { Injectable } from '@nestjs/common';
import type { Release } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import { Decisions, Deployments } from './ports.js';
import { Telling } from './telling.js';

/** People decided about a release: it no longer keeps its test environment from others (`occupancy: until-decided`). */
@Injectable()
export class Decided {
  constructor(
    private readonly decisions: Decisions,
    private readonly deployments: Deployments,
    private readonly telling: Telling,
  ) {}

  async keep(unit: UnitOfWork, request: { request: string; release: Release; environment: string }): Promise<void> {
    await this.decisions.close(unit.tx, request);
    await this.letOthersIn(unit, request.release);
  }

  async letOthersIn(unit: UnitOfWork, { id }: Release): Promise<void> {
    for (const { project, environment } of await this.deployments.occupiedBy(unit.tx, id)) {
      await this.telling.nextTurn(unit, project, environment);
    }
  }
}
