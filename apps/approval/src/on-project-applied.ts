import { Injectable } from '@nestjs/common';
import type { ProjectApplied } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge } from './ports.js';
import { Reconsidering } from './reconsidering.js';
import { Recording } from './recording.js';

/** The project file changed: what was asked and granted is held against it. */
@Injectable()
export class OnProjectApplied implements Handler<typeof ProjectApplied> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly reconsidering: Reconsidering,
    private readonly recording: Recording,
  ) {}

  async handle(event: Received<typeof ProjectApplied>, unit: UnitOfWork): Promise<void> {
    const { project, version, file } = event.data;
    await this.recording.keep(unit, event, project);
    if (await this.knowledge.keepProject(unit.tx, { name: project, version, file })) await this.reconsidering.project(unit, project);
  }
}
