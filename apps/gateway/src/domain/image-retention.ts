import type { ImageReference } from '@slipway/contracts';
import type { Phase } from '@slipway/release';
import type { EnvironmentFacts } from './environment-view.js';

/** A release of a project as far as its image depends on it. */
export interface Keeper {
  readonly id: string;
  readonly number: number;
  readonly line: string;
  readonly phase: Phase;
  /** Whether it came to any environment. */
  readonly isAnywhere: boolean;
  /** RFC 3339 UTC. */
  readonly changedAt: string;
  /** Null where none was built. */
  readonly image: ImageReference | null;
  /** Where it runs by its own story, and since when. */
  readonly runs: readonly { readonly environment: string; readonly since: string }[];
}

/** A project's releases that were not retired, and what is known beside them. */
export interface Shelf {
  readonly releases: readonly Keeper[];
  readonly environments: readonly EnvironmentFacts[];
  /** The newest releases of their lines that still wait to go on. */
  readonly waiting: ReadonlySet<string>;
  /** Digests that files name: what a check runs in may be the image of another project. */
  readonly named: ReadonlySet<string>;
}

export interface RetentionRule {
  /** Releases that moved since then keep their images. RFC 3339 UTC. */
  readonly since: string;
  /** Of each environment so many of the images that came up there last. */
  readonly newest: number;
}

/** An image that is needed no longer, with all releases that have it. */
export interface Spare {
  readonly image: ImageReference;
  readonly releases: readonly Keeper[];
}

/** Phases in which something of ours or of people is on its way; a release in any other moves only if somebody asks. */
const moving: ReadonlySet<Phase> = new Set(['detected', 'building', 'awaiting-approval', 'rolling-out']);

/**
 * The images of a project that are needed no longer, the oldest first. An image stays while any release that has it moves, moved lately, runs, or is the
 * newest of its line and waits; while a file names it; and while it is one of the newest that came up in an environment, for a rollback goes back to one of these.
 */
export function spareImages({ releases, environments, waiting, named }: Shelf, rule: RetentionRule): Spare[] {
  const byDigest = Map.groupBy(
    releases.filter(({ image }) => image !== null),
    ({ image }) => image?.digest as string,
  );
  const aims = aimsOf(byDigest, environments, rule.newest);
  return [...byDigest]
    .filter(
      ([digest, those]) =>
        !aims.has(digest) && !named.has(digest) && those.every((each) => isOver(each, { environments, waiting, since: rule.since })),
    )
    .map(([, those]) => ({ image: those[0]?.image as ImageReference, releases: those }))
    .sort((one, other) => Math.min(...numbers(one)) - Math.min(...numbers(other)));
}

/**
 * Digests that run, or came up last in an environment. What was withdrawn is nothing to go back to. What was rolled back from is for who asks for it by
 * number, but counts for nothing: no rollback chooses it.
 */
function aimsOf(known: ReadonlyMap<string, readonly Keeper[]>, environments: readonly EnvironmentFacts[], newest: number): Set<string> {
  const aims = new Set<string>();
  for (const { running, history, barred } of environments) {
    if (running?.value) aims.add(running.value.image.digest);
    const good = new Set<string>();
    for (const { release, digest } of history) {
      if (good.size === newest) break;
      const left = known.get(digest)?.filter(({ phase }) => phase !== 'withdrawn') ?? [];
      if (left.length === 0) continue;
      aims.add(digest);
      if (left.some(({ number }) => number === release) && !barred[String(release)]?.value) good.add(digest);
    }
  }
  return aims;
}

function isOver(
  keeper: Keeper,
  { environments, waiting, since }: { environments: Shelf['environments']; waiting: Shelf['waiting']; since: string },
): boolean {
  const { id, phase, isAnywhere, changedAt } = keeper;
  if (Date.parse(changedAt) >= Date.parse(since) || waiting.has(id)) return false;
  // Built, and in no environment: nothing accepts it, or a newer one of its line has its turn.
  if (moving.has(phase) || (phase === 'testing' && isAnywhere)) return false;
  if (environments.some(({ rolling }) => rolling?.value?.release.id === id)) return false;
  return !keeper.runs.some((place) => stillRuns(place, environments));
}

/** An environment that was taken away runs nothing, though nothing took the release's place. */
function stillRuns({ environment, since }: Keeper['runs'][number], environments: readonly EnvironmentFacts[]): boolean {
  const running = environments.find((each) => each.environment === environment)?.running;
  return !(running && running.value === null && Date.parse(running.at) >= Date.parse(since));
}

function numbers({ releases }: Spare): number[] {
  return releases.map(({ number }) => number);
}

/** The newest release of each line: the one that goes on when a file opens an environment, or a held one is let go. */
export function newestOfLines(releases: readonly Keeper[]): Keeper[] {
  return [...Map.groupBy(releases, ({ line }) => line).values()].flatMap(
    (line) => line.toSorted((one, other) => other.number - one.number)[0] ?? [],
  );
}
