import type { CommitIdentity, DsseEnvelope, PersonReference, Reason, Release, ResolvedDeployment, RolloutKind } from '@slipway/contracts';
import { goesBackwards, newestOf } from '@slipway/release';
import { isBehind } from './ahead.js';

/** What let a deployment in. Used from its rollout's first intent on, and good for healing and for coming back to it until the release is withdrawn. */
export interface Grant {
  readonly id: string;
  readonly request: string;
  readonly asks: string;
  readonly issuedAt: string;
  readonly envelope: DsseEnvelope;
  readonly provenance: DsseEnvelope;
  readonly verdict: DsseEnvelope;
  /** By the database: as of then the grant's signature is judged, for keys end while what they let in runs on. */
  readonly heardAt: string;
}

/** A deployment that was good in an environment. */
export interface Standing {
  readonly rollout: string;
  readonly release: Release;
  readonly deployment: ResolvedDeployment;
  readonly grant: Grant;
  readonly attempt: number;
  readonly since: string;
}

/** A deployment that was good in an environment once: what it was is kept with its rollout, and asked for where somebody goes back to it. */
export type Past = Pick<Standing, 'rollout' | 'release' | 'since'>;

/** An environment as production-rollout answers for it. */
export interface EnvironmentState {
  readonly project: string;
  readonly environment: string;
  readonly running: Standing | null;
  /** What was good here before, newest first. */
  readonly history: readonly Past[];
  readonly barred: readonly { readonly number: number; readonly at: string }[];
  /** Set by a person; outlives rollouts until it is reset. */
  readonly scaledTo: number | null;
  /** Counts up with every rollout here: part of the names of what is made. */
  readonly attempts: number;
  /** Since when what runs is known not to be what was approved. */
  readonly driftedSince: string | null;
  /** The failed rollout that `on-failure: hold` left standing for people to look at; nothing is healed meanwhile. */
  readonly heldBy: string | null;
  /** When the newest command of each kind that was carried out here was given, RFC 3339 UTC; absent before the first. */
  readonly commandedAt?: { readonly scale?: string; readonly rollback?: string };
  /** The requests whose grant has begun a rollout here and might still be good, and until when; absent before the first. */
  readonly begun?: readonly { readonly request: string; readonly until: string }[];
  /** When the newest rollback that has begun here was asked for, by the database, which hears one command after the other; absent before the first. */
  readonly rolledBackAt?: string;
  /** Since when nothing runs here any more, after a failure with nothing to go back to; absent where something does. */
  readonly emptiedAt?: string;
  /** The newest attempt here that has come to its end; absent before the first. */
  readonly ended?: number;
  /** The newest rollout that was found to have brought what runs here and that this database, brought back from a backup, does not know; absent before that. */
  readonly ahead?: number;
}

/** A change of an environment that waits for its turn, is under way, or has ended. */
export interface Rollout {
  readonly id: string;
  readonly kind: RolloutKind;
  readonly project: string;
  readonly environment: string;
  readonly release: Release;
  readonly deployment: ResolvedDeployment;
  readonly grant: Grant;
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'aborted';
  readonly attempt: number;
  /** Who asked for a rollback, by which command, and why; null for what a grant started. */
  readonly asked: { readonly by: PersonReference; readonly command: string; readonly reason: string } | null;
  /** Who is told when it fails. */
  readonly authors: readonly CommitIdentity[];
  readonly createdAt: string;
  readonly startedAt: string | null;
}

/** What of one that waits decides whose turn it is. */
export interface Queued extends Pick<Rollout, 'id' | 'kind' | 'release'> {
  readonly grant: Pick<Grant, 'issuedAt'>;
}

/** Why the grant of a request, used or heard no sooner, lets nothing in any more. */
export interface RequestEnd {
  readonly reason: Reason;
  /** The number of the release that goes instead. */
  readonly supersededBy: number | null;
}

/**
 * The environment once a command is carried out; null for one that is heard only after a later one of its kind, as happens when it was lost and is said
 * again: a person who asked for 3 and then for 5 wants 5.
 */
export function commanded(environment: EnvironmentState, kind: 'scale' | 'rollback', givenAt: string): EnvironmentState | null {
  const { commandedAt } = environment;
  const last = commandedAt?.[kind];
  if (last !== undefined && Date.parse(givenAt) < Date.parse(last)) return null;
  return { ...environment, commandedAt: { ...commandedAt, [kind]: givenAt } };
}

export function emptyEnvironment(project: string, environment: string): EnvironmentState {
  return { project, environment, running: null, history: [], barred: [], scaledTo: null, attempts: 0, driftedSince: null, heldBy: null };
}

/** Who is worth waking when the environment is free: the rollback asked for last, and the newest of the others. Whoever looks ends what may not go. */
export function nextOf(waiting: readonly Queued[]): readonly Queued[] {
  const granted = waiting.filter(({ kind }) => kind === 'rollout');
  return [waiting.findLast(({ kind }) => kind === 'rollback'), newestOf(granted, ({ release }) => release)].filter(
    (each) => each !== undefined,
  );
}

/** What is to be done with what waits for an environment. */
export interface Turn {
  readonly start: Queued | undefined;
  readonly end: readonly { readonly rollout: Queued; readonly reason: Reason; readonly supersededBy: number | null }[];
}

/**
 * Whose turn it is (design part 4): one at a time, the rollback asked for last before all, else the newest; what would go backwards, is barred,
 * withdrawn, or has been overtaken ends here. `waiting` comes oldest first.
 */
export function turnOf(
  environment: EnvironmentState,
  waiting: readonly Queued[],
  isRunning: boolean,
  withdrawn: ReadonlySet<string>,
): Turn {
  const ended = waiting.flatMap((rollout) => {
    const reason = obstacle(environment, rollout, withdrawn);
    return reason ? [{ rollout, reason, supersededBy: null }] : [];
  });
  const left = waiting.filter((rollout) => !ended.some((each) => each.rollout.id === rollout.id));
  const rollback = left.filter((rollout) => rollout.kind === 'rollback').at(-1);
  // Of one release that was signed off anew, the later grant goes, whichever was heard first.
  const granted = left
    .filter((rollout) => rollout.kind === 'rollout')
    .sort((one, other) => (one.grant.issuedAt < other.grant.issuedAt ? -1 : 1));
  const newest = newestOf(granted, (rollout) => rollout.release);
  const next = rollback ?? newest;
  const overtaken = left.flatMap((rollout): Turn['end'] => {
    const by = rollout.kind === 'rollback' ? rollback : newest;
    if (!by || rollout.id === by.id || (rollout.kind === 'rollout' && rollout.release.line !== by.release.line)) return [];
    const { id, number } = by.release;
    if (rollout.kind === 'rollout' && rollout.release.id === id)
      return [{ rollout, reason: { code: 'asked-anew', message: `release ${number} was signed off here anew since` }, supersededBy: null }];
    return [{ rollout, reason: { code: 'superseded', message: `release ${number} goes instead` }, supersededBy: number }];
  });
  return { start: isRunning ? undefined : next, end: [...ended, ...overtaken] };
}

function obstacle(
  { running, barred }: EnvironmentState,
  { kind, release, grant }: Queued,
  withdrawn: ReadonlySet<string>,
): Reason | undefined {
  if (withdrawn.has(release.id)) return { code: 'withdrawn', message: `release ${release.number} was withdrawn` };
  if (kind === 'rollback') return undefined;
  if (running && goesBackwards(running.release, release)) {
    return { code: 'older', message: `release ${running.release.number} runs here and is newer; only a rollback goes back` };
  }
  const bar = barred.find((each) => each.number === release.number);
  return bar && grant.issuedAt <= bar.at
    ? { code: 'barred', message: `release ${release.number} was rolled back from here at ${bar.at} and not signed off anew since` }
    : undefined;
}

/** The release that is good and stands there now; none while a rollout is under way, a failed one was left standing, or what runs is not known here. */
export function standingNow(environment: EnvironmentState, isRollingOut: boolean): Release | undefined {
  return isRollingOut || environment.heldBy !== null || isBehind(environment) ? undefined : environment.running?.release;
}

/** What to go back to: the number asked for, or the last that was good here and is not what stands there now. Withdrawn ones never. */
export function goBackTo(
  environment: EnvironmentState,
  number: number | null,
  withdrawn: ReadonlySet<string>,
  isRollingOut = false,
): Past | undefined {
  const { history, barred } = environment;
  const left = standingNow(environment, isRollingOut)?.id;
  const good = history.filter((standing) => standing.release.id !== left && !withdrawn.has(standing.release.id));
  if (number !== null) return good.find((standing) => standing.release.number === number);
  return good.find((standing) => !barred.some((each) => each.number === standing.release.number));
}

/**
 * What a rollout that fails goes back to: what ran before it or, where that was withdrawn meanwhile, what was good before that. Nothing where what ran before is
 * not known: what is known is older than that, and only people go back to it.
 */
export function lastGoodOf(environment: EnvironmentState, withdrawn: ReadonlySet<string>): Past | undefined {
  const { running } = environment;
  if (isBehind(environment)) return undefined;
  return running && withdrawn.has(running.release.id) ? goBackTo(environment, null, withdrawn) : (running ?? undefined);
}

/** What was good here of a release, as it was last; undefined where none of it was. */
export function goodHere({ running, history }: EnvironmentState, release: string): Past | undefined {
  return running?.release.id === release ? running : history.find((past) => past.release.id === release);
}

/** What was good once, whole, of the rollout that brought it. */
export function standingOf({ rollout, release, since }: Past, { deployment, grant, attempt }: Rollout): Standing {
  return { rollout, release, deployment, grant, attempt, since };
}

/** Since when what stands here stands, or nothing does; null where nothing ever ran. */
export function unchangedSince({ running, emptiedAt }: EnvironmentState): string | null {
  return running?.since ?? emptiedAt ?? null;
}
