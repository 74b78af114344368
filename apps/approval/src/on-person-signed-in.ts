import { Injectable } from '@nestjs/common';
import type { PersonSignedIn } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';

/** Somebody came in: part of the record. */
@Injectable()
export class OnPersonSignedIn implements Handler<typeof PersonSignedIn> {
  constructor(private readonly recording: Recording) {}

  async handle(event: Received<typeof PersonSignedIn>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, 'installation');
  }
}
