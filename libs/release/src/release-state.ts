import type { ApprovalRequested, CommitIdentity, DataOf, ImageReference, PersonReference, Reason, Release } from '@slipway/contracts';
import { type AwayPart, foldAway } from './away.js';
import { foldEnvironment } from './environment-state.js';
import { inOrder, type Told } from './event-order.js';
import { foldRetired, type RetiredImage } from './retired-image.js';

/** Where a release is in one environment. `passed` and `failed` are of test environments, `live` of the others. */
export type EnvironmentStatus =
  | 'deploying'
  | 'verifying'
  | 'passed'
  | 'failed'
  | 'awaiting-approval'
  | 'granted'
  | 'rejected'
  | 'expired'
  | 'superseded'
  | 'voided'
  | 'rolling-out'
  | 'live'
  | 'rolling-back'
  | 'rolled-back'
  | 'aborted';

/** What is asked of people in an environment, and who said yes so far. */
export interface RequestState extends Omit<DataOf<typeof ApprovalRequested>, 'release' | 'environment' | 'authors' | 'change'> {
  readonly approvals: readonly {
    readonly person: PersonReference;
    readonly via: 'http' | 'key';
    readonly comment: string;
    readonly at: string;
  }[];
}

/** A release in one environment. */
export interface EnvironmentState {
  readonly environment: string;
  readonly stage: 'test' | 'pre-release' | 'production' | null;
  readonly status: EnvironmentStatus;
  /** When it came to this status. */
  readonly since: string;
  /** Whether it is what runs there, as far as events say. */
  readonly runs: boolean;
  readonly image: ImageReference | null;
  readonly address: string | null;
  /** The open or last request. */
  readonly request: RequestState | null;
  readonly rollout: string | null;
  /** Instances ready and wanted while it rolls out. */
  readonly progress: { readonly ready: number; readonly wanted: number } | null;
  /** Why it ended like this, where it did. */
  readonly reason: Reason | null;
  /** What took its place. */
  readonly replacedBy: number | null;
}

/** Where a release is before any environment. */
export type BuildStatus = 'detected' | 'building' | 'built' | 'failed' | 'cancelled';

/** One word for the whole release, for lists and filters. */
export type Phase =
  | 'detected'
  | 'building'
  | 'testing'
  | 'awaiting-approval'
  | 'rolling-out'
  | 'live'
  | 'passed'
  | 'replaced'
  | 'failed'
  | 'cancelled'
  | 'rejected'
  | 'expired'
  | 'voided'
  | 'superseded'
  | 'rolled-back'
  | 'withdrawn';

/** What is known of a release by its events. */
export interface ReleaseState {
  readonly release: Release;
  readonly phase: Phase;
  readonly build: { readonly status: BuildStatus; readonly attempt: number; readonly since: string; readonly reason: Reason | null };
  readonly image: ImageReference | null;
  readonly authors: readonly CommitIdentity[];
  readonly withdrawn: { readonly by: PersonReference; readonly reason: string; readonly at: string } | null;
  /** In the order the release came to them. */
  readonly environments: readonly EnvironmentState[];
  /** Parts that do not answer and are waited for; absent in what was folded before they were told of. */
  readonly away?: readonly AwayPart[];
  /** Absent while its image is kept. */
  readonly retired?: RetiredImage;
  readonly since: string;
  readonly updatedAt: string;
}

/** The releases an event tells something about: its own, the one it took the place of, the one that was rolled back, those an image was kept for. */
export function releasesOf(event: Told): string[] {
  if (event.name === 'image.retired' || event.name === 'image.removed') return event.data.releases.map((release) => release.id);
  const data = event.data as { release?: Release | null | string; replaces?: Release | null; from?: Release | null };
  const told = [data.release, data.replaces, event.name === 'rollout.rolled-back' ? data.from : null];
  return [...new Set(told.flatMap((each) => (typeof each === 'string' ? [each] : (each?.id ?? []))))];
}

/**
 * Folds the events about a release into its state. Any order, and any event twice, gives the same state. Events of other releases that
 * took its place belong in here too (see {@link releasesOf}); all others are passed over. Undefined while no event names the release.
 */
export function foldRelease(id: string, events: Iterable<Told>): ReleaseState | undefined {
  let state: ReleaseState | undefined;
  for (const event of inOrder(events)) state = releaseAfter(state, event, id);
  return state;
}

/**
 * The state of a release after one more event, which must come after all that `before` was folded of ({@link comesAfter}); the same object where the
 * event changes nothing. `before` is undefined where no event has named the release yet.
 */
export function releaseAfter(before: ReleaseState | undefined, event: Told, id: string): ReleaseState | undefined {
  const own = ownRelease(event, id);
  const known = before ?? (own && newborn(own, event.time));
  if (!known) return undefined;
  const { away = [] } = known;
  const nowAway = foldAway(away, event, id);
  // That a part is away is no step of the release: it goes on counting how long it has not moved.
  if (nowAway !== away) return { ...known, away: nowAway };
  const retired = foldRetired(known.retired, event, id);
  if (retired !== undefined && retired !== known.retired) return { ...known, retired };
  const after = foldBuild(known, event, id);
  const environments = foldEnvironments(after, event, id);
  if (after === before && environments === before.environments) return before;
  const state = { ...after, environments, updatedAt: event.time };
  return { ...state, phase: phaseOf(state) };
}

function ownRelease(event: Told, id: string): Release | undefined {
  const { release, from } = event.data as { release?: unknown; from?: unknown };
  return [release, from].find(
    (each): each is Release => typeof each === 'object' && each !== null && 'id' in each && each.id === id && 'number' in each,
  );
}

function newborn(release: Release, at: string): ReleaseState {
  return {
    release,
    phase: 'detected',
    build: { status: 'detected', attempt: 0, since: at, reason: null },
    image: null,
    authors: [],
    withdrawn: null,
    environments: [],
    since: at,
    updatedAt: at,
  };
}

function foldBuild(state: ReleaseState, event: Told, id: string): ReleaseState {
  if (ownRelease(event, id) === undefined) return state;
  const build = (status: BuildStatus, change: Partial<ReleaseState['build']> = {}) => ({
    ...state.build,
    status,
    since: event.time,
    reason: null,
    ...change,
  });
  switch (event.name) {
    case 'commit.detected':
      return { ...state, release: event.data.release, since: event.time, image: state.image ?? event.data.image };
    case 'build.started':
      return { ...state, build: build('building', { attempt: event.data.attempt }) };
    case 'image.built':
      return { ...state, build: build('built'), image: event.data.image, authors: event.data.authors };
    case 'build.failed':
      return { ...state, build: build('failed', { attempt: event.data.attempt, reason: event.data.reason }), authors: event.data.authors };
    case 'build.cancelled':
      return { ...state, build: build('cancelled', { reason: event.data.reason }) };
    case 'release.withdrawn':
      return { ...state, withdrawn: { by: event.data.by, reason: event.data.reason, at: event.time } };
    default:
      return state;
  }
}

function foldEnvironments(state: ReleaseState, event: Told, id: string): readonly EnvironmentState[] {
  const { environment } = event.data as { environment?: unknown };
  if (typeof environment !== 'string') return state.environments;
  const known = state.environments.find((each) => each.environment === environment);
  const after = foldEnvironment(known, event, id, environment);
  if (after === known || after === undefined) return state.environments;
  return known ? state.environments.map((each) => (each === known ? after : each)) : [...state.environments, after];
}

/** What each status means for the release as a whole, the most telling first. */
const telling: readonly (readonly [EnvironmentStatus, Phase])[] = [
  ['rolling-out', 'rolling-out'],
  ['rolling-back', 'rolling-out'],
  ['granted', 'rolling-out'],
  ['awaiting-approval', 'awaiting-approval'],
  ['deploying', 'testing'],
  ['verifying', 'testing'],
  ['rolled-back', 'rolled-back'],
  ['rejected', 'rejected'],
  ['failed', 'failed'],
  ['aborted', 'failed'],
  ['expired', 'expired'],
  ['voided', 'voided'],
  ['superseded', 'superseded'],
  ['live', 'live'],
  ['passed', 'passed'],
];

function phaseOf(state: ReleaseState): Phase {
  if (state.withdrawn) return 'withdrawn';
  const found = telling.find(([status]) => state.environments.some((each) => each.status === status));
  const live = state.environments.filter((each) => each.status === 'live');
  // A release that runs somewhere and was only superseded elsewhere is still that: live.
  if (live.length > 0 && (found?.[1] === 'superseded' || found?.[1] === 'live'))
    return live.some((each) => each.runs) ? 'live' : 'replaced';
  if (found) return found[1];
  const byBuild = { detected: 'detected', building: 'building', built: 'testing', failed: 'failed', cancelled: 'cancelled' } as const;
  return byBuild[state.build.status];
}
