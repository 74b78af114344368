import { Injectable } from '@nestjs/common';
import type { TargetApplied } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge } from './ports.js';
import { Reconsidering } from './reconsidering.js';
import { Recording } from './recording.js';

/** A target changed: what is to run on it is held against it. */
@Injectable()
export class OnTargetApplied implements Handler<typeof TargetApplied> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly reconsidering: Reconsidering,
    private readonly recording: Recording,
  ) {}

  async handle(event: Received<typeof TargetApplied>, unit: UnitOfWork): Promise<void> {
    const { target, version, file } = event.data;
    await this.recording.keep(unit, event, 'installation');
    if (!(await this.knowledge.keepTarget(unit.tx, { name: target, version, file }))) return;
    await this.knowledge.whenUnread(unit.tx, target);
    for (const project of await this.knowledge.projectsOn(unit.tx, target)) await this.reconsidering.project(unit, project);
  }
}
