import { Injectable } from '@nestjs/common';
import type { Claim } from '@slipway/operations';
import type { OwedPost } from './deliveries.js';
import { type Addressed, Delivering } from './delivering.js';
import { NotifierMetrics } from './notifier.metrics.js';
import { Hook } from './ports.js';

/** Posts an event to the outgoing webhook. */
@Injectable()
export class RunPost extends Delivering<OwedPost> {
  readonly kind = 'post';

  constructor(
    private readonly hook: Hook,
    metrics: NotifierMetrics,
  ) {
    super(metrics);
  }

  protected hand({ operation: { input }, signal }: Claim<OwedPost>): Promise<void> {
    return this.hook.post({ id: input.event, body: input.body, signal });
  }

  protected addressed(): Addressed {
    return { channel: 'webhook', to: this.hook.to, template: 'event' };
  }
}
