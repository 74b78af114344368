import { Injectable } from '@nestjs/common';
import type { EnvironmentHeld } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';

/** A test environment is kept as it is: part of the record. */
@Injectable()
export class OnEnvironmentHeld implements Handler<typeof EnvironmentHeld> {
  constructor(private readonly recording: Recording) {}

  async handle(event: Received<typeof EnvironmentHeld>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, event.data.project);
  }
}
