import type { ImageReference, PersonReference, Release } from '@slipway/contracts';
import type { Told } from '@slipway/release';

/** A fact with the time it was said: the newest holds, whatever order events come in. */
interface Said<T> {
  readonly at: string;
  readonly value: T;
}

/** One change of what an environment runs. */
export interface Change {
  readonly id: string;
  readonly release: number;
  readonly digest: string;
  readonly at: string;
  readonly how: 'deployed' | 'rolled-out' | 'rolled-back';
  readonly by: string | null;
  readonly seconds: number;
}

/** What an environment runs, as its events tell it. Each fact is the newest said of it, so that two events in either order give the same. */
export interface EnvironmentFacts {
  readonly project: string;
  readonly environment: string;
  readonly stage: 'test' | 'pre-release' | 'production' | null;
  readonly running: Said<{ release: Release; image: ImageReference; address: string } | null> | null;
  readonly rolling: Said<{ release: Release; rollout: string; ready: number; wanted: number } | null> | null;
  readonly instances: Said<number> | null;
  readonly scaledTo: Said<number> | null;
  readonly drifted: Said<boolean> | null;
  /** What differs; absent in what was folded before it was kept. */
  readonly drift?: Said<readonly string[]> | null;
  readonly held: Said<{ by: PersonReference; reason: string; until: string | null } | null> | null;
  readonly barred: Readonly<Record<string, Said<boolean>>>;
  readonly history: readonly Change[];
}

const mostHistory = 100;
/** Of so many images the last time they came up is kept, however often one of them did since with other settings: the others can be gone back to. */
const mostImages = 50;

/** Which environment of which project. */
export type EnvironmentPlace = Pick<EnvironmentFacts, 'project' | 'environment'>;

/** The environment an event is about, or undefined. */
export function environmentIn(event: Told): EnvironmentPlace | undefined {
  const { project, release, environment } = event.data as {
    project?: unknown;
    release?: { project?: unknown } | null;
    environment?: unknown;
  };
  const found = typeof project === 'string' ? project : release?.project;
  return typeof environment === 'string' && typeof found === 'string' ? { project: found, environment } : undefined;
}

/** An environment nothing was heard of. */
export function freshEnvironment(project: string, environment: string): EnvironmentFacts {
  return {
    project,
    environment,
    stage: null,
    running: null,
    rolling: null,
    instances: null,
    scaledTo: null,
    drifted: null,
    held: null,
    barred: {},
    history: [],
  };
}

/** The environment after one more event; the same object where the event changes nothing of it. */
export function foldEnvironmentFacts(facts: EnvironmentFacts, event: Told): EnvironmentFacts {
  const at = event.time;
  switch (event.name) {
    case 'deployment.started':
      return merge(facts, at, {
        stage: 'test',
        rolling: { release: event.data.release, rollout: event.data.deployment, ready: 0, wanted: 0 },
      });
    case 'deployment.failed':
      return merge(facts, at, { stage: 'test', rolling: null });
    case 'deployment.succeeded': {
      const { release, image, address, instances, seconds } = event.data;
      const change = { id: event.id, release: release.number, digest: image.digest, at, how: 'deployed' as const, by: null, seconds };
      return merge(facts, at, { stage: 'test', running: { release, image, address }, rolling: null, instances, drifted: false, change });
    }
    case 'environment.held':
      return merge(facts, at, { held: { by: event.data.by, reason: event.data.reason, until: event.data.until } });
    case 'environment.unheld':
      return merge(facts, at, { held: null });
    case 'environment.removed':
      return merge(facts, at, { running: null, rolling: null, held: null });
    case 'environment.scaled':
      return merge(facts, at, { instances: event.data.to, scaledTo: event.data.to });
    case 'environment.drifted':
      return merge(facts, at, { drifted: true, drift: event.data.found });
    case 'environment.recovered':
      return merge(facts, at, { drifted: false });
    case 'approval.granted':
      return merge(facts, at, { barred: { number: event.data.release.number, barred: false } });
    default:
      return foldRollout(facts, event);
  }
}

function foldRollout(facts: EnvironmentFacts, event: Told): EnvironmentFacts {
  const at = event.time;
  switch (event.name) {
    case 'rollout.started': {
      const { release, rollout, stage } = event.data;
      return merge(facts, at, { stage, rolling: { release, rollout, ready: 0, wanted: 0 } });
    }
    case 'rollout.advanced': {
      const { release, rollout, ready, wanted } = event.data;
      return merge(facts, at, { rolling: { release, rollout, ready, wanted } });
    }
    case 'rollout.succeeded': {
      const { release, image, address, instances, seconds, stage, kind } = event.data;
      const how = kind === 'rollback' ? ('rolled-back' as const) : ('rolled-out' as const);
      const change = { id: event.id, release: release.number, digest: image.digest, at, how, by: null, seconds };
      return merge(facts, at, { stage, running: { release, image, address }, rolling: null, instances, drifted: false, change });
    }
    case 'rollout.rolled-back': {
      const { release, image, address, stage, by, seconds, from } = event.data;
      const change = {
        id: event.id,
        release: release.number,
        digest: image.digest,
        at,
        how: 'rolled-back' as const,
        by: by?.name ?? null,
        seconds,
      };
      const barred = from ? { number: from.number, barred: true } : undefined;
      return merge(facts, at, { stage, running: { release, image, address }, rolling: null, drifted: false, change, barred });
    }
    case 'rollout.failed':
      return merge(facts, at, { stage: event.data.stage, rolling: null });
    case 'rollout.aborted':
      return merge(facts, at, { rolling: null });
    default:
      return facts;
  }
}

interface News {
  stage?: EnvironmentFacts['stage'];
  running?: { release: Release; image: ImageReference; address: string } | null;
  rolling?: { release: Release; rollout: string; ready: number; wanted: number } | null;
  instances?: number;
  scaledTo?: number;
  drifted?: boolean;
  drift?: readonly string[];
  held?: { by: PersonReference; reason: string; until: string | null } | null;
  barred?: { number: number; barred: boolean };
  change?: Change;
}

function merge(facts: EnvironmentFacts, at: string, news: News): EnvironmentFacts {
  const { barred, change } = news;
  return {
    ...facts,
    stage: facts.stage ?? news.stage ?? null,
    running: newer(facts.running, at, news.running),
    rolling: newer(facts.rolling, at, news.rolling),
    instances: newer(facts.instances, at, news.instances),
    scaledTo: newer(facts.scaledTo, at, news.scaledTo),
    drifted: newer(facts.drifted, at, news.drifted),
    drift: newer(facts.drift ?? null, at, news.drifted === undefined ? undefined : (news.drift ?? [])),
    held: newer(facts.held, at, news.held),
    barred: barred ? withBar(facts.barred, at, barred) : facts.barred,
    history: change ? withChange(facts.history, change) : facts.history,
  };
}

/** One service writes all that is said of an environment, so its times are of one clock. */
function newer<T>(before: Said<T> | null, at: string, value: T | undefined): Said<T> | null {
  if (value === undefined || (before && Date.parse(before.at) > Date.parse(at))) return before;
  return { at, value };
}

function withBar(
  bars: EnvironmentFacts['barred'],
  at: string,
  { number, barred }: { number: number; barred: boolean },
): EnvironmentFacts['barred'] {
  const before = bars[String(number)];
  if (!before && !barred) return bars;
  if (before && Date.parse(before.at) > Date.parse(at)) return bars;
  return { ...bars, [String(number)]: { at, value: barred } };
}

function withChange(history: readonly Change[], change: Change): readonly Change[] {
  if (history.some(({ id }) => id === change.id)) return history;
  const images = new Set<string>();
  return [...history, change]
    .sort((one, other) => Date.parse(other.at) - Date.parse(one.at) || (one.id < other.id ? 1 : -1))
    .filter(({ digest }, nth) => {
      const isLast = !images.has(digest) && images.size < mostImages;
      if (isLast) images.add(digest);
      return isLast || nth < mostHistory;
    });
}
