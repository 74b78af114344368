import { Injectable } from '@nestjs/common';
import type { VerificationFailed } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { authorsToTell } from './domain/audience.js';
import { People } from './ports.js';

/** The authors hear which check said no, and what it saw. */
@Injectable()
export class OnVerificationFailed implements Handler<typeof VerificationFailed> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof VerificationFailed>, unit: UnitOfWork): Promise<void> {
    const authors = authorsToTell(event.data.authors, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'verification.failed', data: event.data }, authors);
  }
}
