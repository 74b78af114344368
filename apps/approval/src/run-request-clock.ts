import { Injectable } from '@nestjs/common';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { Requests } from './ports.js';
import { Settling } from './settling.js';

/** Brings time to a request: the end of its soak, its expiry, the reissue of a grant whose rollout waits. */
@Injectable()
export class RunRequestClock implements Work<{ request: string }> {
  readonly kind = 'request-clock';
  readonly callTimeoutMs = 1000;

  constructor(
    private readonly requests: Requests,
    private readonly settling: Settling,
  ) {}

  async run(claim: Claim<{ request: string }>): Promise<Outcome> {
    await claim.complete(async (unit) => {
      const request = await this.requests.find(unit.tx, claim.operation.input.request);
      if (request) await this.settling.timePassed(unit, request);
    });
    return { done: true };
  }
}
