import { Injectable } from '@nestjs/common';
import type { VerificationPassed } from '@slipway/contracts';
import { type Handler, NotYet, type Received, type UnitOfWork } from '@slipway/messaging';
import { Asking } from './asking.js';
import { Knowledge } from './ports.js';

/** A release is good in a test environment: asks for wherever that leads. */
@Injectable()
export class OnVerificationPassed implements Handler<typeof VerificationPassed> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly asking: Asking,
  ) {}

  async handle({ data, time }: Received<typeof VerificationPassed>, unit: UnitOfWork): Promise<void> {
    const { release, environment, projectVersion, image, provenance, verdict, repositoryFile, authors } = data;
    const known = await this.knowledge.release(unit.tx, release.id);
    if (!known) throw new NotYet(`commit.detected of release ${release.number} has not been heard`);
    await this.knowledge.keepPassage(unit.tx, {
      release,
      environment,
      projectVersion,
      image,
      provenance,
      verdict: { envelope: verdict, heardAt: unit.now.toISOString() },
      repositoryFile,
      authors,
      passedAt: time,
    });
    const later = await this.asking.askNext(unit, release, environment);
    if (later) throw new NotYet(later.message);
  }
}
