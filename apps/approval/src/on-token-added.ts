import { Injectable } from '@nestjs/common';
import type { TokenAdded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';

/** Somebody made a token: part of the record. */
@Injectable()
export class OnTokenAdded implements Handler<typeof TokenAdded> {
  constructor(private readonly recording: Recording) {}

  async handle(event: Received<typeof TokenAdded>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, 'installation');
  }
}
