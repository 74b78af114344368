import type { Release } from '@slipway/contracts';
import type { ToldCommit } from '../domain/change.js';
import type { KnownRelease } from '../ports.js';

/** A release as its table keeps it. */
export interface ReleaseRow {
  readonly release: Release;
  readonly people: KnownRelease['people'];
  readonly pusher: KnownRelease['pusher'];
  readonly trigger_person: string | null;
  readonly range_from: string | null;
  readonly commits: readonly ToldCommit[];
  readonly commit_total: number;
  readonly withdrawn_at: Date | null;
}

/** All of its columns, as they are written and sealed. */
export function releaseRowOf(known: KnownRelease, withdrawnAt: Date | null) {
  const { release, people, pusher, triggerPerson, from, commits, commitTotal } = known;
  const { id, project, number, line, revision } = release;
  const change = { people, pusher, trigger_person: triggerPerson, range_from: from, commits, commit_total: commitTotal };
  return { id, project, number, line, revision, release, ...change, withdrawn_at: withdrawnAt };
}

export function knownRelease(row: ReleaseRow): KnownRelease {
  return {
    release: row.release,
    people: row.people,
    pusher: row.pusher,
    triggerPerson: row.trigger_person,
    from: row.range_from,
    commits: row.commits,
    commitTotal: row.commit_total,
    withdrawn: row.withdrawn_at !== null,
  };
}
