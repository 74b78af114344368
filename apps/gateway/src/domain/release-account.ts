import type { CommitDetected, DataOf } from '@slipway/contracts';
import { inOrder, type ReleaseState, releaseAfter, type Told } from '@slipway/release';
import { type RequestView, requestAfter } from './request-view.js';

/** What is shown of a release beside its state. */
export interface About {
  readonly title: string;
  readonly authors: readonly string[];
}

/** What the ledger holds of a release, folded from its events. */
export interface ReleaseAccount {
  readonly state: ReleaseState;
  readonly about: About;
  /** Its requests for sign-off, by id. */
  readonly requests: ReadonlyMap<string, RequestView>;
}

/** The account of a release by all of its events; any order of them gives the same. Undefined while none names it. */
export function accountOf(release: string, events: Iterable<Told>): ReleaseAccount | undefined {
  let account: ReleaseAccount | undefined;
  for (const event of inOrder(events)) account = accountAfter(account, event, release);
  return account;
}

/**
 * The account after one more event, which must come after all that `before` was folded of (`comesAfter`). Of the requests, `before` need only have
 * the one the event is about ({@link requestIn}).
 */
export function accountAfter(before: ReleaseAccount | undefined, event: Told, release: string): ReleaseAccount | undefined {
  const state = releaseAfter(before?.state, event, release);
  if (!state) return undefined;
  const { about = { title: '', authors: [] }, requests = new Map<string, RequestView>() } = before ?? {};
  const request = requestIn(event, release);
  const view = request === undefined ? undefined : requestAfter(requests.get(request), event);
  return {
    state,
    about: event.name === 'commit.detected' && event.data.release.id === release ? aboutIn(event.data) : about,
    requests: view ? new Map([...requests, [view.request, view]]) : requests,
  };
}

/** The request of this release that an event is about, or undefined. */
export function requestIn(event: Told, release: string): string | undefined {
  const { request, release: own } = event.data as { request?: unknown; release?: { id?: unknown } | null };
  return typeof request === 'string' && own?.id === release ? request : undefined;
}

/** How a release is called in lists: by its newest commit, and everybody who wrote some of it. */
function aboutIn(born: DataOf<typeof CommitDetected>): About {
  return { title: titleOf(born), authors: [...new Set(born.people.map(({ name }) => name))].slice(0, 50) };
}

function titleOf({ range, release }: DataOf<typeof CommitDetected>): string {
  const first = range.commits[0]?.message.split('\n', 1)[0]?.trim();
  if (release.kind === 'commit' && first) return first.slice(0, 200);
  return `${release.kind} ${release.ref}${first ? `: ${first}` : ''}`.slice(0, 200);
}
