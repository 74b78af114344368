import { Injectable } from '@nestjs/common';
import type { TokenRevoked } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';

/** A token lets nobody in any more: part of the record. */
@Injectable()
export class OnTokenRevoked implements Handler<typeof TokenRevoked> {
  constructor(private readonly recording: Recording) {}

  async handle(event: Received<typeof TokenRevoked>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, 'installation');
  }
}
