import { Injectable } from '@nestjs/common';
import type { EnvironmentRemoved } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge } from './ports.js';
import { Recording } from './recording.js';
import { Telling } from './telling.js';

/** A test environment no longer runs anything: open requests say so. */
@Injectable()
export class OnEnvironmentRemoved implements Handler<typeof EnvironmentRemoved> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly recording: Recording,
    private readonly telling: Telling,
  ) {}

  async handle(event: Received<typeof EnvironmentRemoved>, unit: UnitOfWork): Promise<void> {
    const { project, environment } = event.data;
    await this.recording.keep(unit, event, project);
    await this.knowledge.keepStanding(unit.tx, { project, environment }, null, new Date(event.time));
    await this.telling.testChanged(unit, project, environment);
  }
}
