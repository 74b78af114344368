import { Injectable } from '@nestjs/common';
import type { ChangeInView, Person, Reason, Release } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import { involvedIn } from '@slipway/release';
import type { Asked } from './domain/approval-request.js';
import { changeOf, commitsOf, type Link } from './domain/change.js';
import { Knowledge, type KnownRelease } from './ports.js';

/** Whose change it is, and its commits. */
export type OfChange = Pick<Asked, 'involved' | 'unmatched'> & Pick<ChangeInView, 'commits' | 'total'>;

/** What changes are counted by, read once for all that are counted in a transaction. */
export interface Counting {
  readonly links: readonly Link[];
  /** Undefined where somebody is not believed. */
  readonly people: readonly Person[] | undefined;
}

/** Whose change a release is, counted over everything between what runs and what is asked for. */
@Injectable()
export class Duties {
  constructor(private readonly knowledge: Knowledge) {}

  /** For releases up to this number. @throws RowNotBelieved where it cannot be told how they hang on each other. */
  async counting(unit: UnitOfWork, project: string, number: number): Promise<Counting> {
    return { links: await this.knowledge.linksUpTo(unit.tx, project, number), people: await this.knowledge.everybody(unit.tx) };
  }

  /** The reason `not-heard` where a release in between has not been heard of yet, or somebody is not believed: who they are would count. */
  async ofChange(unit: UnitOfWork, known: KnownRelease, running: Release | null, counting?: Counting): Promise<OfChange | Reason> {
    const { project, line, number, revision } = known.release;
    const { links, people } = counting ?? (await this.counting(unit, project, Math.max(number, running?.number ?? 0)));
    const { numbers, unheard } = changeOf(links, running, { number, line, revision, from: known.from });
    if (unheard !== null) {
      const which = typeof unheard === 'number' ? `release ${unheard}` : `the release of ${unheard}`;
      return { code: 'not-heard', message: `${which}, part of this change, has not been heard of; it is on its way` };
    }
    if (!people)
      return {
        code: 'not-heard',
        message: 'a row of table person is not believed: whose change it is shows once it is mended (docs/guides/row-seals.md)',
      };
    const releases = await this.knowledge.releasesOf(unit.tx, project, numbers);
    const { involved, unmatched } = involvedIn(
      releases.map((each) => ({
        people: each.people,
        pusher: each.pusher,
        trigger: each.triggerPerson === null ? null : { id: each.triggerPerson, name: each.triggerPerson },
      })),
      people,
    );
    const brought = releases.map(({ release, commits, commitTotal }) => ({ number: release.number, commits, total: commitTotal }));
    return { involved: [...involved], unmatched, ...commitsOf(brought) };
  }
}
