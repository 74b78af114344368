import { Injectable } from '@nestjs/common';
import type { VerificationPassed } from '@slipway/contracts';
import { type Handler, NotYet, type Received, type UnitOfWork } from '@slipway/messaging';
import { openedBy } from '@slipway/release';
import { Applied, Deployments } from './ports.js';
import { Queueing } from './queueing.js';

/** A release is good in one test environment: it waits for those that come after it. */
@Injectable()
export class OnVerificationPassed implements Handler<typeof VerificationPassed> {
  constructor(
    private readonly applied: Applied,
    private readonly deployments: Deployments,
    private readonly queueing: Queueing,
  ) {}

  async handle({ id, data }: Received<typeof VerificationPassed>, unit: UnitOfWork): Promise<void> {
    const { release, environment, projectVersion } = data;
    const project = await this.applied.project(unit.tx, release.project);
    if (!project || project.version < projectVersion)
      throw new NotYet(`project.applied of ${release.project}, version ${projectVersion}, has not been heard`);
    if (!project.file) return;
    const attempts = await this.deployments.ofRelease(unit.tx, release.id);
    const passed = new Set(attempts.filter(({ state }) => state === 'passed').map((each) => each.environment));
    const verified = attempts.find((each) => each.id === data.deployment);
    const built = { ...data, builtAt: verified?.builtAt ?? unit.now.toISOString() };
    for (const { name, stage } of openedBy(project.file, release.ref, passed, environment)) {
      if (stage === 'test') await this.queueing.come(unit, built, name, { causationId: id });
    }
  }
}
