import { Injectable } from '@nestjs/common';
import type { RolloutRolledBack } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Recording } from './recording.js';
import { WhatStands } from './what-stands.js';

/** An earlier release runs again; the one it left is barred there until a person asks for it anew and it is signed off. */
@Injectable()
export class OnRolloutRolledBack implements Handler<typeof RolloutRolledBack> {
  constructor(
    private readonly recording: Recording,
    private readonly stands: WhatStands,
  ) {}

  async handle(event: Received<typeof RolloutRolledBack>, unit: UnitOfWork): Promise<void> {
    const { release, environment, image, address, from } = event.data;
    await this.recording.keep(unit, event, release.project);
    await this.stands.keep(unit, { project: release.project, environment }, { release, image, address }, new Date(event.time), from);
  }
}
