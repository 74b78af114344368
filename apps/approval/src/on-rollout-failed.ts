import { Injectable } from '@nestjs/common';
import type { RolloutFailed } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';

/** A rollout failed: its grant is used up, and a person who wants to try again must ask for new sign-offs. */
@Injectable()
export class OnRolloutFailed implements Handler<typeof RolloutFailed> {
  constructor(private readonly recording: Recording) {}

  async handle(event: Received<typeof RolloutFailed>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, event.data.release.project);
  }
}
