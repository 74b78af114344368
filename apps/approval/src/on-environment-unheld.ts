import { Injectable } from '@nestjs/common';
import type { EnvironmentUnheld } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';

/** A hold has ended: part of the record. */
@Injectable()
export class OnEnvironmentUnheld implements Handler<typeof EnvironmentUnheld> {
  constructor(private readonly recording: Recording) {}

  async handle(event: Received<typeof EnvironmentUnheld>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, event.data.project);
  }
}
