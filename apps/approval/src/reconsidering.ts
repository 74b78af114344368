import { Injectable } from '@nestjs/common';
import type { UnitOfWork } from '@slipway/messaging';
import { changedParts, newestOf, resolveDeployment } from '@slipway/release';
import { Asking } from './asking.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { Knowledge, Requests } from './ports.js';
import { Settling } from './settling.js';

/** Looks again at what is asked and granted when something it is bound to may have changed (design part 4, promise 2). */
@Injectable()
export class Reconsidering {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly settling: Settling,
    private readonly asking: Asking,
  ) {}

  /** Voids what no longer stands, and asks anew for what can be asked now. */
  async project(unit: UnitOfWork, project: string): Promise<void> {
    await this.knowledge.alone(unit.tx, project);
    for (const request of await this.requests.undecided(unit.tx, { project })) {
      const changed = await this.differences(unit, request);
      if (changed.length > 0)
        await this.settling.settle(unit, request, { kind: 'voided', reason: { code: 'changed', message: changed.join('; ') }, changed });
    }
    const passages = await this.knowledge.recentPassages(unit.tx, project);
    for (const ofLine of Map.groupBy(passages, ({ environment, release }) => JSON.stringify([environment, release.line])).values()) {
      const newest = newestOf(ofLine, ({ release }) => release);
      if (newest) await this.asking.askNext(unit, newest.release, newest.environment);
    }
  }

  private async differences(unit: UnitOfWork, request: ApprovalRequest): Promise<string[]> {
    const project = await this.knowledge.project(unit.tx, request.release.project);
    if (!project?.file) return ['the project was removed'];
    await this.knowledge.whileStands(unit.tx, request.deployment.target.name);
    const target = await this.knowledge.target(unit.tx, request.deployment.target.name);
    if (!target?.file) return [`target ${request.deployment.target.name} was removed`];
    const passage = await this.knowledge.passage(unit.tx, request.release.id, request.through);
    if (!passage) return [];
    const now = resolveDeployment({
      project: { version: project.version, file: project.file },
      environment: request.environment,
      release: request.release,
      image: passage.image,
      repositoryFile: passage.repositoryFile,
      target: { version: target.version, file: target.file },
      secretVersions: Object.fromEntries(await this.knowledge.secrets(unit.tx, request.release.project, 'production-rollout')),
    });
    return now.ok ? changedParts(request.deployment, now.deployment).map((part) => part.text.en) : [now.reason.message];
  }
}
