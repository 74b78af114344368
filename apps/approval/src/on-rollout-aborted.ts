import { Injectable } from '@nestjs/common';
import type { RolloutAborted } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Requests } from './ports.js';
import { Recording } from './recording.js';
import { Settling } from './settling.js';

/**
 * A rollout ended before its verdict: an unused grant behind it ends too, so that nothing keeps reissuing it. Only the request it waited with: the
 * same release may have been asked for anew meanwhile, as it is when a changed project voids the first.
 */
@Injectable()
export class OnRolloutAborted implements Handler<typeof RolloutAborted> {
  constructor(
    private readonly requests: Requests,
    private readonly settling: Settling,
    private readonly recording: Recording,
  ) {}

  async handle(event: Received<typeof RolloutAborted>, unit: UnitOfWork): Promise<void> {
    const { release, request: id, reason } = event.data;
    await this.recording.keep(unit, event, release.project);
    const request = id === null ? undefined : await this.requests.find(unit.tx, id);
    if (request) await this.settling.settle(unit, request, { kind: 'voided', reason, changed: [] });
  }
}
