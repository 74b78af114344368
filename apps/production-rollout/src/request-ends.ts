import { Injectable } from '@nestjs/common';
import type { UnitOfWork } from '@slipway/messaging';
import type { RequestEnd } from './domain/environment.js';
import { Rollouts } from './ports.js';
import { Telling } from './telling.js';

/** What becomes of the rollout of a request that approval has ended, whichever of grant and end is heard first: each may be lost and said again later. */
@Injectable()
export class RequestEnds {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly telling: Telling,
  ) {}

  /** A rollout that still waits ends. One under way goes on; its grant was used. Where there is none yet, its grant may still come. */
  async hear(unit: UnitOfWork, request: string, end: RequestEnd): Promise<void> {
    await this.rollouts.alone(unit.tx, request);
    const rollout = await this.rollouts.ofRequest(unit.tx, request);
    if (!rollout) await this.rollouts.rememberEnd(unit.tx, request, end);
    else if (rollout.state === 'waiting') await this.telling.aborted(unit, rollout, end.reason, end.supersededBy);
  }
}
