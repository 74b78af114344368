import { Injectable } from '@nestjs/common';
import type { Cause, UnitOfWork } from '@slipway/messaging';
import { hurry, owe } from '@slipway/operations';
import { v7 } from 'uuid';
import type { Asked, Built } from './domain/test-environment.js';
import { Decisions, Deployments } from './ports.js';

/** Lets releases wait for a test environment. */
@Injectable()
export class Queueing {
  constructor(
    private readonly deployments: Deployments,
    private readonly decisions: Decisions,
  ) {}

  /** An event brings a release here. The same image of it waits, ran or failed here once; another try is asked for by a person. */
  async come(unit: UnitOfWork, built: Built, environment: string, cause: Cause): Promise<void> {
    const { release, image } = built;
    if (await this.decisions.isWithdrawn(unit.tx, release.id)) return;
    const before = (await this.deployments.ofRelease(unit.tx, release.id)).filter((each) => each.environment === environment);
    if (before.some((each) => each.image.digest === image.digest)) return;
    await this.wait(unit, built, environment, null, cause);
  }

  /** A person wants it here. */
  async ask(unit: UnitOfWork, built: Built, environment: string, asked: Asked, cause: Cause): Promise<void> {
    await this.wait(unit, built, environment, asked, cause);
  }

  private async wait(unit: UnitOfWork, built: Built, environment: string, asked: Asked | null, cause: Cause): Promise<void> {
    const { release, image, provenance, builtAt, repositoryFile, authors } = built;
    const id = v7();
    await this.deployments.insert(unit.tx, {
      ...{ id, project: release.project, environment, release, image, provenance, builtAt, repositoryFile, authors, asked },
      ...{ state: 'waiting', attempt: 0, resolved: null, checks: [], address: null, startedAt: null },
      cause: cause.causationId ?? null,
      createdAt: unit.now.toISOString(),
    });
    // An older one that waits shall hear that it is overtaken.
    for (const each of await this.deployments.waiting(unit.tx, release.project, environment))
      if (each.id !== id && each.release.line === release.line) await hurry(unit.tx, 'deployment', each.id);
    await owe(unit.tx, { kind: 'deployment', key: id, input: { deployment: id }, cause: { ...cause, correlationId: release.id } });
  }
}
