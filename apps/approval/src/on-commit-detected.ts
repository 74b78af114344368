import { Injectable } from '@nestjs/common';
import type { CommitDetected } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { mostCommits, titleOf } from './domain/change.js';
import { Knowledge } from './ports.js';

/** Remembers whose change each release is and what it brings, from its birth. */
@Injectable()
export class OnCommitDetected implements Handler<typeof CommitDetected> {
  constructor(private readonly knowledge: Knowledge) {}

  async handle({ data }: Received<typeof CommitDetected>, unit: UnitOfWork): Promise<void> {
    const { release, people, pusher, trigger, range } = data;
    const triggerPerson = trigger.person?.id ?? null;
    const commits = range.commits
      .slice(0, mostCommits)
      .map(({ revision, author, message }) => ({ revision, author: author.name, title: titleOf(message) }));
    const about = { people, pusher, triggerPerson, from: range.from, commits, commitTotal: range.total };
    await this.knowledge.keepRelease(unit.tx, { release, ...about, withdrawn: false }, range.merged ?? null);
  }
}
