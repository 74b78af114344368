import type { Commit, CommitIdentity } from '@slipway/contracts';

/** A commit as its source tells it: structurally what libs/source-control reads. */
export interface ToldCommit {
  readonly revision: string;
  readonly author: ToldIdentity;
  readonly committer: ToldIdentity | null;
  readonly coAuthors: readonly ToldIdentity[];
  readonly message: string;
  readonly time: string;
}
interface ToldIdentity {
  readonly name: string;
  readonly email: string | null;
  readonly account?: string;
}

/** Most people an event holds, and most bytes they may take: see commit.detected, and messaging's limit for a record. */
const mostPeople = 2000;
const mostPeopleBytes = 350_000;
const mostCommitBytes = 250_000;
/** A list that is not whole gets somebody nobody knows, so that separation of duties asks for one more person instead of missing one. */
const andMore: CommitIdentity = { name: 'more people than could be listed', email: null, account: null };

/** Everybody who wrote or committed any of it, each once. `whole` is false where the source told only a part. */
export function peopleOf(commits: readonly ToldCommit[], pushers: readonly CommitIdentity[], whole: boolean): CommitIdentity[] {
  const found = new Map<string, CommitIdentity>();
  const add = (identity: CommitIdentity) => {
    const key = JSON.stringify([
      identity.email?.toLowerCase() ?? null,
      identity.account?.toLowerCase() ?? null,
      identity.email || identity.account ? '' : identity.name,
    ]);
    if (!found.has(key)) found.set(key, identity);
  };
  for (const commit of commits) {
    add(identityOf(commit.author));
    if (commit.committer && !isForge(commit.committer)) add(identityOf(commit.committer));
    for (const coAuthor of commit.coAuthors) add(identityOf(coAuthor));
  }
  for (const pusher of pushers) add(pusher);
  const people = fitting([...found.values()].slice(0, mostPeople), mostPeopleBytes);
  return whole && people.length === found.size ? people : [...people.slice(0, mostPeople - 1), andMore];
}

/** The forge itself commits what somebody merged in its pages; the author of the merge is the person. */
function isForge(identity: ToldIdentity): boolean {
  return identity.name === 'GitHub' && identity.email === 'noreply@github.com';
}

/** The newest commits as an event carries them: 200 at most, and short enough that the event stays far below what a record may hold. */
export function commitsForEvent(commits: readonly ToldCommit[]): Commit[] {
  const told = commits.slice(0, 200).map(
    (commit): Commit => ({
      revision: commit.revision,
      author: identityOf(commit.author),
      committer: commit.committer ? identityOf(commit.committer) : null,
      coAuthors: commit.coAuthors.slice(0, 50).map(identityOf),
      message: commit.message.slice(0, 2000).toWellFormed(),
      time: commit.time,
    }),
  );
  return fitting(told, mostCommitBytes);
}

/** As many from the first on as fit into so many bytes of JSON. */
function fitting<T>(values: readonly T[], bytes: number): T[] {
  const encoder = new TextEncoder();
  let size = 0;
  const end = values.findIndex((value) => {
    size += encoder.encode(JSON.stringify(value)).length + 1;
    return size > bytes;
  });
  return end < 0 ? [...values] : values.slice(0, end);
}

function identityOf({ name, email, account }: ToldIdentity): CommitIdentity {
  return { name, email, account: account ?? null };
}
