import { Injectable } from '@nestjs/common';
import type { RolloutFailed } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';
import { WhatStands } from './what-stands.js';

/** A rollout failed: its grant is used up, and a person who wants to try again must ask for new sign-offs. */
@Injectable()
export class OnRolloutFailed implements Handler<typeof RolloutFailed> {
  constructor(
    private readonly recording: Recording,
    private readonly stands: WhatStands,
  ) {}

  async handle(event: Received<typeof RolloutFailed>, unit: UnitOfWork): Promise<void> {
    const { release, environment, next } = event.data;
    await this.recording.keep(unit, event, release.project);
    if (next === 'nothing-to-go-back-to')
      await this.stands.keep(unit, { project: release.project, environment }, null, new Date(event.time));
  }
}
