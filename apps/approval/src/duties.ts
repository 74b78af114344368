import { Injectable } from '@nestjs/common';
import type { Release } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import { involvedIn } from '@slipway/release';
import type { Asked } from './domain/approval-request.js';
import { Knowledge, type KnownRelease } from './ports.js';

/** Whose change a release is, counted over everything between what runs and what is asked for. */
@Injectable()
export class Duties {
  constructor(private readonly knowledge: Knowledge) {}

  /** Where nothing of the same line runs, the range starts at the project's first release (design part 4, promise 11). */
  async ofChange(unit: UnitOfWork, known: KnownRelease, running: Release | null): Promise<Pick<Asked, 'involved' | 'unmatched'>> {
    const { project, line, number } = known.release;
    const after = running !== null && running.line === line ? running.number : null;
    const changes = await this.knowledge.releasesBetween(unit.tx, project, line, after, number);
    const people = await this.knowledge.people(unit.tx);
    const { involved, unmatched } = involvedIn(
      [...changes.filter((each) => each.release.id !== known.release.id), known].map((each) => ({
        people: each.people,
        pusher: each.pusher,
        trigger: each.triggerPerson === null ? null : { id: each.triggerPerson, name: each.triggerPerson },
      })),
      people,
    );
    return { involved: [...involved], unmatched };
  }
}
