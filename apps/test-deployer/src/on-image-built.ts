import { Injectable } from '@nestjs/common';
import type { ImageBuilt } from '@slipway/contracts';
import { type Handler, NotYet, type Received, type UnitOfWork } from '@slipway/messaging';
import { nextEnvironments } from '@slipway/release';
import { Applied } from './ports.js';
import { Queueing } from './queueing.js';

/** A release has its image: it waits for the test environments its path begins with. */
@Injectable()
export class OnImageBuilt implements Handler<typeof ImageBuilt> {
  constructor(
    private readonly applied: Applied,
    private readonly queueing: Queueing,
  ) {}

  async handle({ id, data }: Received<typeof ImageBuilt>, unit: UnitOfWork): Promise<void> {
    const { release, projectVersion } = data;
    const project = await this.applied.project(unit.tx, release.project);
    if (!project || project.version < projectVersion)
      throw new NotYet(`project.applied of ${release.project}, version ${projectVersion}, has not been heard`);
    if (!project.file) return;
    const built = { ...data, builtAt: unit.now.toISOString() };
    for (const { name, stage } of nextEnvironments(project.file, release.ref, new Set())) {
      if (stage === 'test') await this.queueing.come(unit, built, name, { causationId: id });
    }
  }
}
