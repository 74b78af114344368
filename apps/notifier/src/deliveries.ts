import { Inject, Injectable } from '@nestjs/common';
import type { Received, UnitOfWork } from '@slipway/messaging';
import { owe } from '@slipway/operations';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import type { Recipient } from './domain/audience.js';
import type { Message } from './domain/message.js';
import { messageOf, type Telling, type Template } from './domain/tell.js';
import type { NotifierConfig } from './notifier.config.js';
import { Hook, Mail } from './ports.js';

/** What a mail is made of when its turn comes. */
export interface OwedMail {
  readonly event: string;
  readonly subject: string;
  readonly to: Recipient;
  readonly template: Template;
  readonly message: Message;
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
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof NotifierConfig>,
  ) {}

  /** Mails these people, and posts the event. `about` makes what is told once: the event, or the request that is said again and again. */
  async tell(unit: UnitOfWork, event: Received, telling: Telling, recipients: readonly Recipient[], about = event.id): Promise<void> {
    await this.post(unit, event);
    if (!this.mail.isOn) return;
    const { template } = telling;
    for (const to of recipients) {
      const message = messageOf(telling, to.language, this.config.SLIPWAY_PUBLIC_URL);
      const input: OwedMail = { event: event.id, subject: event.subject, to, template, message };
      await owe(unit.tx, { kind: 'mail', key: `${template}/${about}/${to.address.toLowerCase()}`, input, cause: causeOf(event) });
    }
  }

  /** Posts the event to the outgoing webhook, where there is one. */
  async post(unit: UnitOfWork, event: Received): Promise<void> {
    if (!this.hook.isOn) return;
    const { id, name, version, source, subject, time, data } = event;
    const body = JSON.stringify({ id, type: `slipway.${name}.v${version}`, source, subject, timestamp: time, data });
    const input: OwedPost = { event: id, subject, body };
    await owe(unit.tx, { kind: 'post', key: id, input, cause: causeOf(event) });
  }
}

function causeOf({ id, correlationId }: Received) {
  return { causationId: id, ...(correlationId === undefined ? {} : { correlationId }) };
}
