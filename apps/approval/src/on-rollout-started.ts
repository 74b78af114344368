import { Injectable } from '@nestjs/common';
import type { RolloutStarted } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Requests } from './ports.js';
import { Recording } from './recording.js';
import { Settling } from './settling.js';

/** The grant is used from the first intent on: it is not reissued, expired or voided any more. */
@Injectable()
export class OnRolloutStarted implements Handler<typeof RolloutStarted> {
  constructor(
    private readonly requests: Requests,
    private readonly settling: Settling,
    private readonly recording: Recording,
  ) {}

  async handle(event: Received<typeof RolloutStarted>, unit: UnitOfWork): Promise<void> {
    const { data } = event;
    await this.recording.keep(unit, event, data.release.project);
    const request = await this.requests.current(unit.tx, data.release.id, data.environment);
    if (request) await this.settling.settle(unit, request, { kind: 'rollout-started', grant: data.grant });
  }
}
