import {
  type DataOf,
  ProjectApplied,
  type Release,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
} from '@slipway/contracts';
import { type Facts, factsOf, type SaidOf } from './facts.ts';
import type { History } from './history.ts';

/** A rollout or rollback from its first intent to its verdict, as production-rollout told it. */
export interface Rollout {
  readonly id: string;
  readonly kind: 'rollout' | 'rollback';
  readonly project: string;
  readonly environment: string;
  readonly release: Release;
  readonly attempt: number;
  readonly grant: string;
  readonly started: SaidOf<typeof RolloutStarted>;
  readonly ends: readonly End[];
}

export interface End {
  readonly how: 'succeeded' | 'failed' | 'aborted';
  readonly at: number;
  /** What a failure led back to; null where nothing was brought back. */
  readonly restored: Release | null;
  readonly next: DataOf<typeof RolloutFailed>['next'] | null;
  readonly event: SaidOf<typeof RolloutSucceeded | typeof RolloutFailed | typeof RolloutAborted | typeof RolloutRolledBack>;
}

/** What is to run in an environment from a moment on. */
export interface Stand {
  readonly from: number;
  readonly release: Release;
  readonly attempt: number;
  readonly rollout: Rollout;
}

const known = new WeakMap<History, readonly Rollout[]>();

/** Every rollout that wrote an intent, in order of time. */
export function rolloutsOf(history: History): readonly Rollout[] {
  const rollouts = known.get(history) ?? gather(factsOf(history));
  known.set(history, rollouts);
  return rollouts;
}

function gather(facts: Facts): Rollout[] {
  const ends = new Map<string, End[]>();
  const end = (rollout: string, event: End['event'], more: Partial<End> & Pick<End, 'how'>): void => {
    ends.set(rollout, [...(ends.get(rollout) ?? []), { at: event.ms, restored: null, next: null, event, ...more }]);
  };
  const back = Map.groupBy(facts.named(RolloutRolledBack), ({ data }) => data.rollout);
  for (const event of facts.named(RolloutSucceeded)) end(event.data.rollout, event, { how: 'succeeded' });
  for (const event of facts.named(RolloutAborted)) end(event.data.rollout, event, { how: 'aborted' });
  for (const event of facts.named(RolloutFailed)) {
    const restored = back.get(event.data.rollout)?.[0]?.data.release ?? null;
    end(event.data.rollout, event, { how: 'failed', next: event.data.next, restored });
  }
  return facts.named(RolloutStarted).map((started) => {
    const { rollout, kind, release, environment, attempt, grant } = started.data;
    // A rollback that was asked for ends by being told; one that follows a failure is part of that.
    for (const event of kind === 'rollback' ? (back.get(rollout) ?? []) : []) {
      if (!(ends.get(rollout) ?? []).some(({ how }) => how === 'failed')) end(rollout, event, { how: 'succeeded' });
    }
    const own = (ends.get(rollout) ?? []).sort((one, other) => one.at - other.at);
    return { id: rollout, kind, project: release.project, environment, release, attempt, grant, started, ends: own };
  });
}

/** What stood in an environment, one after the other; what is before the first is nothing. */
export function standsOf(rollouts: readonly Rollout[]): Stand[] {
  const stands: Stand[] = [];
  const ended = rollouts
    .flatMap((rollout) => rollout.ends.map((end) => ({ rollout, end })))
    .sort((one, other) => one.end.at - other.end.at);
  for (const { rollout, end } of ended) {
    if (end.how === 'succeeded') stands.push({ from: end.at, release: rollout.release, attempt: rollout.attempt, rollout });
    const back = end.restored && stands.findLast(({ release }) => release.id === end.restored?.id);
    if (back) stands.push({ ...back, from: end.at });
  }
  return stands;
}

/** Environments that only test, by every project file that ever named them. Whatever is not among them is let in to by grants only. */
export function testEnvironments(facts: Facts): ReadonlySet<string> {
  const stages = new Map<string, Set<string>>();
  for (const { data } of facts.named(ProjectApplied)) {
    for (const { name, stage } of data.file?.spec.environments ?? []) {
      const key = `${data.project}/${name}`;
      stages.set(key, (stages.get(key) ?? new Set()).add(stage));
    }
  }
  return new Set([...stages].filter(([, found]) => [...found].every((stage) => stage === 'test')).map(([key]) => key));
}
