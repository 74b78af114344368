import { type DataOf, NotificationDelivered, NotificationFailed } from '@slipway/contracts';
import type { Claim, Outcome, Work } from '@slipway/operations';
import type { NotifierMetrics } from './notifier.metrics.js';
import { Refused } from './ports.js';

/** What every delivery is about. */
interface Owed {
  readonly event: string;
  readonly subject: string;
}

/** To whom a delivery goes, by what, and what it is. */
export type Addressed = Pick<DataOf<typeof NotificationDelivered>, 'channel' | 'to' | 'template'>;

/** Hands something over by one channel: tried again with growing pauses, about a day long, then given up; what became of it is said. */
export abstract class Delivering<Input extends Owed> implements Work<Input> {
  abstract readonly kind: string;
  readonly callTimeoutMs = 12_000;
  /** The pauses grow to between nothing and 5 min: an hour's outage of a mail server costs time only. */
  readonly attempts = 600;

  protected constructor(private readonly metrics: NotifierMetrics) {}

  /** Hands it over. Throws Refused when it will never be taken, anything else to be tried again. */
  protected abstract hand(claim: Claim<Input>): Promise<void>;
  protected abstract addressed(input: Input): Addressed;

  async run(claim: Claim<Input>): Promise<Outcome> {
    try {
      await this.hand(claim);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await this.exhausted(claim, error);
      return { done: true };
    }
    const { subject, ...data } = this.told(claim);
    await claim.complete(async (unit) => {
      unit.publish(NotificationDelivered, { subject, data });
    });
    this.metrics.ended(data.channel, 'delivered');
    return { done: true };
  }

  async exhausted(claim: Claim<Input>, error: Error): Promise<void> {
    const reason = { code: error instanceof Refused ? 'refused' : 'given-up', message: error.message.slice(0, 1000) };
    const { subject, ...data } = this.told(claim);
    await claim.complete(async (unit) => {
      unit.publish(NotificationFailed, { subject, data: { ...data, reason } });
    });
    this.metrics.ended(data.channel, 'failed');
  }

  private told({ operation: { id, input, attempt } }: Claim<Input>) {
    const attempts = Math.min(attempt + 1, this.attempts);
    return { delivery: id, event: input.event, subject: input.subject, attempts, ...this.addressed(input) };
  }
}
