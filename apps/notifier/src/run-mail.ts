import { Inject, Injectable } from '@nestjs/common';
import { NotificationDelivered, NotificationFailed } from '@slipway/contracts';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import type { OwedMail } from './deliveries.js';
import { messageOf } from './domain/tell.js';
import type { NotifierConfig } from './notifier.config.js';
import { NotifierMetrics } from './notifier.metrics.js';
import { Mail, Refused } from './ports.js';

/** Sends a mail; tried again with growing pauses, at last given up and said so. */
@Injectable()
export class RunMail implements Work<OwedMail> {
  readonly kind = 'mail';
  readonly callTimeoutMs = 12_000;
  readonly attempts = 12;

  constructor(
    private readonly mail: Mail,
    private readonly metrics: NotifierMetrics,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof NotifierConfig>,
  ) {}

  async run(claim: Claim<OwedMail>): Promise<Outcome> {
    const { id, input } = claim.operation;
    const message = messageOf(input.telling, input.to.language, this.config.SLIPWAY_PUBLIC_URL);
    try {
      await this.mail.send({ id, to: input.to.address, message, language: input.to.language, signal: claim.signal });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await this.exhausted(claim, error);
      return { done: true };
    }
    await claim.complete(async (unit) => {
      unit.publish(NotificationDelivered, { subject: input.subject, data: { ...this.what(claim), attempts: claim.operation.attempt + 1 } });
    });
    this.metrics.ended('mail', 'delivered');
    return { done: true };
  }

  async exhausted(claim: Claim<OwedMail>, error: Error): Promise<void> {
    const reason = { code: error instanceof Refused ? 'refused' : 'given-up', message: error.message.slice(0, 1000) };
    await claim.complete(async (unit) => {
      unit.publish(NotificationFailed, {
        subject: claim.operation.input.subject,
        data: { ...this.what(claim), attempts: Math.max(1, claim.operation.attempt), reason },
      });
    });
    this.metrics.ended('mail', 'failed');
  }

  private what({ operation: { id, input } }: Claim<OwedMail>) {
    return { delivery: id, event: input.event, channel: 'mail' as const, to: input.to.address, template: input.telling.template };
  }
}
