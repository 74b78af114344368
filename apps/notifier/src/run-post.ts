import { Injectable } from '@nestjs/common';
import { NotificationDelivered, NotificationFailed } from '@slipway/contracts';
import type { Claim, Outcome, Work } from '@slipway/operations';
import type { OwedPost } from './deliveries.js';
import { NotifierMetrics } from './notifier.metrics.js';
import { Hook, Refused } from './ports.js';

/** Posts an event to the outgoing webhook; tried again with growing pauses, at last given up and said so. */
@Injectable()
export class RunPost implements Work<OwedPost> {
  readonly kind = 'post';
  readonly callTimeoutMs = 12_000;
  readonly attempts = 12;

  constructor(
    private readonly hook: Hook,
    private readonly metrics: NotifierMetrics,
  ) {}

  async run(claim: Claim<OwedPost>): Promise<Outcome> {
    const { input } = claim.operation;
    try {
      await this.hook.post({ id: input.event, body: input.body, signal: claim.signal });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await this.exhausted(claim, error);
      return { done: true };
    }
    await claim.complete(async (unit) => {
      unit.publish(NotificationDelivered, { subject: input.subject, data: { ...this.what(claim), attempts: claim.operation.attempt + 1 } });
    });
    this.metrics.ended('webhook', 'delivered');
    return { done: true };
  }

  async exhausted(claim: Claim<OwedPost>, error: Error): Promise<void> {
    const reason = { code: error instanceof Refused ? 'refused' : 'given-up', message: error.message.slice(0, 1000) };
    await claim.complete(async (unit) => {
      unit.publish(NotificationFailed, {
        subject: claim.operation.input.subject,
        data: { ...this.what(claim), attempts: Math.max(1, claim.operation.attempt), reason },
      });
    });
    this.metrics.ended('webhook', 'failed');
  }

  private what({ operation: { id, input } }: Claim<OwedPost>) {
    return { delivery: id, event: input.event, channel: 'webhook' as const, to: this.hook.to, template: 'event' };
  }
}
