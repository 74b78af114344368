import { Injectable } from '@nestjs/common';
import type { PersonInvited } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';

/** Somebody was given a new code to come in with: who let them have it is part of the record. */
@Injectable()
export class OnPersonInvited implements Handler<typeof PersonInvited> {
  constructor(private readonly recording: Recording) {}

  async handle(event: Received<typeof PersonInvited>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, 'installation');
  }
}
