import type {
  CommitIdentity,
  DsseEnvelope,
  ImageReference,
  PersonReference,
  ProjectFile,
  Reason,
  Release,
  RepositoryFile,
  ResolvedDeployment,
  TargetFile,
  VerifyStep,
} from '@slipway/contracts';
import { goesBackwards, newestOf, openedBy } from '@slipway/release';

/** What a deployment is made of; carried by the event that brought it, so that nothing has to be looked up later. */
export interface Built {
  readonly release: Release;
  readonly image: ImageReference;
  readonly provenance: DsseEnvelope;
  /** When image-builder's word for it was heard, by the database. */
  readonly builtAt: string;
  readonly repositoryFile: RepositoryFile | null;
  /** Who is told when it fails. */
  readonly authors: readonly CommitIdentity[];
}

/** Who asked for a deployment, by which command, and why. */
export interface Asked {
  readonly by: PersonReference;
  readonly command: string;
  readonly reason: string;
}

/** One attempt to put a release into a test environment and to verify it there. */
export interface TestDeployment extends Built {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
  /** Null for what an event brought: only these are ordered by age and wait for holds. */
  readonly asked: Asked | null;
  readonly state: 'waiting' | 'deploying' | 'verifying' | 'passed' | 'failed' | 'superseded' | 'cancelled';
  /** Counts the attempts of this release in this environment from 1; 0 until it begins. Part of the names of what is made. */
  readonly attempt: number;
  /** What it runs; null until it begins. */
  readonly resolved: ResolvedDeployment | null;
  /** The checks of the project file and of slipway.yaml, as they stood when it began. */
  readonly checks: readonly VerifyStep[];
  readonly address: string | null;
  /** The event that brought it: what is said of it says so. */
  readonly cause: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
}

/** What of one that waits decides whose turn it is. */
export type Queued = Pick<TestDeployment, 'id' | 'release' | 'asked'>;

/** Where an environment runs. The target file is kept whole: what was made there can be taken away after the target has changed. */
export interface Place {
  readonly namespace: string;
  readonly file: TargetFile;
}

/** A tester keeps the environment as it is. */
export interface Hold extends Asked {
  readonly until: string | null;
}

/** What holds the environment now. `failed`: it runs and a check said no. `broken`: it never came up, and stays for a look. */
export interface Occupant {
  readonly deployment: string;
  readonly release: Release;
  readonly state: 'deploying' | 'verifying' | 'passed' | 'failed' | 'broken';
}

/** A test environment as test-deployer answers for it. */
export interface EnvironmentState {
  readonly project: string;
  readonly environment: string;
  readonly occupant: Occupant | null;
  readonly place: Place | null;
  /** Where it ran before its target changed; emptied before anything starts at the new place. */
  readonly leaving: Place | null;
  readonly hold: Hold | null;
  /** Why it is being taken away, while it is. */
  readonly removing: Reason | null;
}

export function emptyEnvironment(project: string, environment: string): EnvironmentState {
  return { project, environment, occupant: null, place: null, leaving: null, hold: null, removing: null };
}

/** Whether two places are one: what runs in the one runs in the other. */
export function isSamePlace(one: Place, other: Place): boolean {
  const { file: a } = one;
  const { file: b } = other;
  return one.namespace === other.namespace && a.metadata.name === b.metadata.name && a.spec.docker.host === b.spec.docker.host;
}

/** What is to be done with what waits for an environment; where nothing starts, `waitsFor` says why. */
export interface Turn {
  readonly start: Queued | undefined;
  readonly waitsFor: string;
  readonly end: readonly { readonly deployment: Queued; readonly reason: Reason }[];
}

/** Who is worth waking when the environment is free: what was asked for last, and the newest of the others. Whoever looks ends what was overtaken. */
export function nextOf(waiting: readonly Queued[]): readonly Queued[] {
  const come = waiting.filter((each) => each.asked === null);
  const next = [waiting.findLast((each) => each.asked !== null), newestOf(come, ({ release }) => release)];
  return next.filter((each) => each !== undefined);
}

/** What decides whose turn it is. */
export interface Situation {
  readonly state: EnvironmentState;
  /** Oldest first. */
  readonly waiting: readonly Queued[];
  /** The one that is being deployed or verified. */
  readonly running: TestDeployment | undefined;
  /** The occupant stays until people have decided about it: `occupancy: until-decided`. */
  readonly isKept: boolean;
}

/**
 * Whose turn it is: one at a time; what a person asked for goes before all, else the newest, unless the environment is held or its
 * occupant is kept. Older ones of the same line, and what is older than what runs here, end here: they were overtaken.
 */
export function turnOf({ state, waiting, running, isKept }: Situation): Turn {
  const asked = waiting.filter((each) => each.asked !== null);
  const come = waiting.filter((each) => each.asked === null);
  const runsHere = state.occupant?.release ?? null;
  const late = come.filter(({ release }) => goesBackwards(runsHere, release));
  const left = come.filter((each) => !late.includes(each));
  const newest = newestOf(left, ({ release }) => release);
  const overtaken = left.filter((each) => newest && each.id !== newest.id && isOvertakenBy(newest, each));
  const lastAsked = asked.at(-1);
  const end = [
    ...late.map((deployment) => ended(deployment, `release ${runsHere?.number} is newer and came here first`)),
    ...overtaken.map((deployment) => ended(deployment, `release ${newest?.release.number} goes instead`)),
    ...asked.slice(0, -1).map((deployment) => ended(deployment, `release ${lastAsked?.release.number} was asked for after it`)),
  ];
  const { hold } = state;
  if (running) return { start: undefined, end, waitsFor: `release ${running.release.number} is ${running.state} here` };
  if (lastAsked) return { start: lastAsked, end, waitsFor: `release ${lastAsked.release.number}, which was asked for, goes first` };
  if (hold) return { start: undefined, end, waitsFor: heldWords(hold) };
  if (isKept) return { start: undefined, end, waitsFor: `release ${runsHere?.number} stays here until people have decided about it` };
  return { start: newest, end, waitsFor: `release ${newest?.release.number ?? ''} goes first` };
}

/** Of one release, what came later replaces what came before. */
function isOvertakenBy(newest: Queued, each: Queued): boolean {
  return newest.release.id === each.release.id || goesBackwards(newest.release, each.release);
}

function ended(deployment: Queued, message: string): Turn['end'][number] {
  return { deployment, reason: { code: 'superseded', message } };
}

/** Who holds an environment, until when and why, for people. */
export function heldWords({ by, until, reason }: Hold): string {
  return `held by ${by.name}${until ? ` until ${until}` : ''}: ${reason}`;
}

/** Requests by the environment they are for: true once the newest one there was granted, rejected, expired, superseded or voided. */
export type Decided = ReadonlyMap<string, boolean>;

/**
 * Whether the occupant has to stay (`occupancy: until-decided`): it is good here, that opened environments which ask people, and they have not
 * decided in all of these.
 */
export function isKeptUntilDecided(
  file: ProjectFile,
  state: EnvironmentState,
  known: { readonly passed: ReadonlySet<string>; readonly decided: Decided; readonly isWithdrawn: boolean },
): boolean {
  const { occupant } = state;
  const environment = file.spec.environments.find(({ name }) => name === state.environment);
  if (environment?.stage !== 'test' || environment.occupancy !== 'until-decided') return false;
  if (occupant?.state !== 'passed' || known.isWithdrawn) return false;
  const opened = openedBy(file, occupant.release.ref, known.passed, state.environment);
  return opened.some(({ name, stage }) => stage !== 'test' && known.decided.get(name) !== true);
}

/** What release.retry does again: in each environment the newest attempt, where that came to no good end. */
export function toRetry(attempts: readonly TestDeployment[]): { again: readonly TestDeployment[] } | { refused: Reason } {
  if (attempts.length === 0) return { refused: { code: 'release-unknown', message: 'this release never came to a test environment' } };
  const busy = attempts.find((each) => isUnderWay(each));
  if (busy) return { refused: { code: 'under-way', message: `it is ${busy.state} in ${busy.environment}` } };
  const newest = [...new Map(attempts.map((each) => [each.environment, each])).values()];
  const again = newest.filter(({ state }) => state !== 'passed');
  return again.length > 0 ? { again } : { refused: { code: 'nothing-to-retry', message: 'it passed wherever it came to' } };
}

/** Waits, or is worked on. */
export function isUnderWay({ state }: TestDeployment): boolean {
  return state === 'waiting' || state === 'deploying' || state === 'verifying';
}
