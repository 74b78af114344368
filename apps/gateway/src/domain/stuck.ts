import type { ProjectFile } from '@slipway/contracts';
import type { ReleaseState, Wait } from '@slipway/release';

/** Parts of a wait that end only when something of ours moves on; a release that waits long for one of these is stuck. */
const moving = new Set<Wait['code']>([
  'build-queue',
  'build',
  'deployment',
  'verification',
  'request',
  'grant',
  'rollout-queue',
  'rollout',
  'away',
]);

/** Phases in which a release may wait for one of these; in the others it is at an end. */
export const openPhases = ['detected', 'building', 'testing', 'passed', 'awaiting-approval', 'rolling-out', 'live'];

/** How long it may stand still. */
export const stuckAfterMs = 10 * 60_000;

/** What is known beside a release's waits. */
export interface Beside {
  readonly state: ReleaseState;
  /** When it last moved. */
  readonly changedAt: string;
  readonly file: ProjectFile | null;
  /** When that file came into force: it may have opened an environment. */
  readonly appliedAt: string;
  /** Whether no release of its line that stands still is newer. */
  readonly newest: boolean;
  /** Environments where another release runs. */
  readonly taken: ReadonlySet<string>;
  /** RFC 3339 UTC. */
  readonly now: string;
}

/** Since when a release has stood still though it waits for no person; undefined where it is not stuck. */
export function stuckSince(waits: readonly Wait[], beside: Beside): string | undefined {
  const quiet = Date.parse(beside.now) - stuckAfterMs;
  const since = waits.filter(({ code }) => moving.has(code)).flatMap((wait) => standsSince(wait, beside) ?? []);
  return since.sort((one, other) => Date.parse(one) - Date.parse(other)).find((each) => Date.parse(each) <= quiet);
}

function standsSince({ code, environment }: Wait, beside: Beside): string | undefined {
  const { state, changedAt, file, appliedAt } = beside;
  const here = state.environments.find((each) => each.environment === environment);
  if (code === 'grant') return later(changedAt, here?.request?.soakUntil ?? changedAt);
  if (environment === null || here || code === 'away') return changedAt;
  // People decide how long the one that is there stays.
  const occupancy = file?.spec.environments.find(({ name }) => name === environment);
  if (occupancy?.stage === 'test' && occupancy.occupancy === 'until-decided' && beside.taken.has(environment)) return undefined;
  // A file that opened an environment only now has the newest of each line go there, and no other.
  if (Date.parse(appliedAt) > Date.parse(changedAt) && !beside.newest) return undefined;
  return later(changedAt, appliedAt);
}

function later(one: string, other: string): string {
  return Date.parse(one) > Date.parse(other) ? one : other;
}
