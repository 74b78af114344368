import { Injectable } from '@nestjs/common';
import type { DataOf, EventDefinition } from '@slipway/contracts';
import type { Received, UnitOfWork } from '@slipway/messaging';
import { owe } from '@slipway/operations';
import type { Recipient } from './domain/audience.js';
import type { Telling } from './domain/tell.js';
import { Hook, Mail } from './ports.js';

/** What a mail is made of when its turn comes. */
export interface OwedMail {
  readonly event: string;
  readonly subject: string;
  readonly to: Recipient;
  readonly telling: Telling;
}

/** What is posted when its turn comes. */
export interface OwedPost {
  readonly event: string;
  readonly subject: string;
  readonly body: string;
}

/** Owes deliveries: each once for an event and a recipient, however often the event is heard. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly mail: Mail,
    private readonly hook: Hook,
  ) {}

  /** `about` makes what is told once: the event, or the request that is said again and again. */
  async tell(unit: UnitOfWork, event: Received, telling: Telling, recipients: readonly Recipient[], about = event.id): Promise<void> {
    await this.post(unit, event);
    if (!this.mail.isOn) return;
    for (const to of recipients) {
      const input: OwedMail = { event: event.id, subject: event.subject, to, telling };
      await owe(unit.tx, { kind: 'mail', key: `${telling.template}/${about}/${to.address.toLowerCase()}`, input, cause: causeOf(event) });
    }
  }

  private async post(unit: UnitOfWork, event: Received): Promise<void> {
    if (!this.hook.isOn) return;
    const { id, name, version, source, subject, time } = event;
    const body = JSON.stringify({
      id,
      type: `slipway.${name}.v${version}`,
      source,
      subject,
      timestamp: time,
      data: event.data as DataOf<EventDefinition>,
    });
    const input: OwedPost = { event: id, subject, body };
    await owe(unit.tx, { kind: 'post', key: id, input, cause: causeOf(event) });
  }
}

function causeOf({ id, correlationId }: Received) {
  return { causationId: id, ...(correlationId === undefined ? {} : { correlationId }) };
}
