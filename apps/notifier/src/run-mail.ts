import { Injectable } from '@nestjs/common';
import type { Claim } from '@slipway/operations';
import type { OwedMail } from './deliveries.js';
import { type Addressed, Delivering } from './delivering.js';
import { NotifierMetrics } from './notifier.metrics.js';
import { Mail } from './ports.js';

/** Sends a mail. */
@Injectable()
export class RunMail extends Delivering<OwedMail> {
  readonly kind = 'mail';

  constructor(
    private readonly mail: Mail,
    metrics: NotifierMetrics,
  ) {
    super(metrics);
  }

  protected hand({ operation: { id, input }, signal }: Claim<OwedMail>): Promise<void> {
    return this.mail.send({ id, to: input.to.address, message: input.message, language: input.to.language, signal });
  }

  protected addressed({ to, template }: OwedMail): Addressed {
    return { channel: 'mail', to: to.address, template };
  }
}
