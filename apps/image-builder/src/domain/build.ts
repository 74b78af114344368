import {
  BuildCancelled,
  BuildFailed,
  BuildStarted,
  type CommitDetected,
  type CommitIdentity,
  type DataOf,
  type DsseEnvelope,
  type EventDefinition,
  ImageBuilt,
  type ImageReference,
  type ProjectFile,
  type Reason,
  type Release,
  type RepositoryFile,
} from '@slipway/contracts';
import { type Recipe, recipeOf } from './recipe.js';

export type BuildState = 'queued' | 'building' | 'built' | 'failed' | 'cancelled';

/** One release on its way to its image. Attempts count from 1; a retry is the next one. */
export interface Build {
  readonly release: Release;
  readonly projectVersion: number;
  /** Null where nothing is ever built: the image was known at birth, or the project is gone. */
  readonly recipe: Recipe | null;
  readonly repositoryFile: RepositoryFile | null;
  readonly authors: readonly CommitIdentity[];
  readonly supersede: 'never' | 'queued' | 'running';
  readonly state: BuildState;
  readonly attempt: number;
  readonly image: ImageReference | null;
}

export type Input =
  | { readonly kind: 'started' }
  | {
      readonly kind: 'built';
      readonly image: ImageReference;
      readonly built: boolean;
      readonly seconds: number;
      readonly provenance: DsseEnvelope;
    }
  | {
      readonly kind: 'failed';
      readonly reason: Reason;
      readonly step: string | null;
      readonly logTail: readonly string[];
      readonly seconds: number;
    }
  | { readonly kind: 'overtaken'; readonly by: number }
  | { readonly kind: 'cancel'; readonly reason: string }
  | { readonly kind: 'retry' };

/** What follows a decision: the new state, events to say about the release, and whether its work is owed or called off. */
export type Decision =
  | {
      readonly outcome: 'changed';
      readonly next: Build;
      readonly say: { readonly event: EventDefinition; readonly data: unknown } | null;
      readonly work: 'owe' | 'cancel' | null;
    }
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'refused'; readonly reason: Reason };

/** A release is born: its build, before anything is decided about it. `file` is null where it does not matter, or the project is gone. */
export function born(detected: DataOf<typeof CommitDetected>, file: ProjectFile | null): Build {
  return {
    release: detected.release,
    projectVersion: detected.projectVersion,
    recipe: detected.image || !file ? null : recipeOf(file, detected.repositoryFile),
    repositoryFile: detected.repositoryFile,
    authors: detected.people.slice(0, 200),
    supersede: file?.spec.build.supersede ?? 'never',
    state: 'queued',
    attempt: 1,
    image: null,
  };
}

/** What happens to a build when this is heard. Pure: every state against every input is in build.spec.ts. */
export function decide(build: Build, input: Input): Decision {
  const open = build.state === 'queued' || build.state === 'building';
  switch (input.kind) {
    case 'started':
      if (build.state === 'building') return { outcome: 'unchanged' };
      if (!open) return over(build);
      return changed({ ...build, state: 'building' }, said(BuildStarted, { ...about(build), backend: 'docker' as const }));
    case 'built':
      return open ? built(build, input) : over(build);
    case 'failed':
      return open ? failed(build, input) : over(build);
    case 'overtaken':
      return overtakes(build, input.by) ? cancelled(build, overtakenBy(input.by), input.by) : { outcome: 'unchanged' };
    case 'cancel':
      return open ? cancelled(build, { code: 'asked', message: input.reason || 'a person asked for it' }, null) : over(build);
    case 'retry':
      return retry(build);
  }
}

/**
 * Whether a newer release of the same line takes this one's place before it is built. Only commits give way, and only to what was
 * committed later: a tag was set on purpose.
 */
function overtakes(build: Build, by: number): boolean {
  if (build.release.kind !== 'commit' || by <= build.release.number || build.recipe === null) return false;
  return build.supersede === 'running'
    ? build.state === 'queued' || build.state === 'building'
    : build.supersede === 'queued' && build.state === 'queued';
}

function built(build: Build, input: Extract<Input, { kind: 'built' }>): Decision {
  const { release, projectVersion, repositoryFile, authors } = build;
  const { image, built: anew, seconds, provenance } = input;
  const data = { release, projectVersion, image, built: anew, seconds, provenance, repositoryFile, authors: [...authors] };
  return changed({ ...build, state: 'built', image }, said(ImageBuilt, data));
}

function failed(build: Build, input: Extract<Input, { kind: 'failed' }>): Decision {
  const { reason, step, seconds } = input;
  const data = {
    ...about(build),
    reason: { ...reason, message: reason.message.slice(0, 4000) },
    step: step?.slice(0, 1000) ?? null,
    logTail: input.logTail.slice(-50).map((line) => line.slice(0, 2000)),
    seconds,
    authors: [...build.authors],
  };
  return changed({ ...build, state: 'failed' }, said(BuildFailed, data));
}

function cancelled(build: Build, reason: Reason, supersededBy: number | null): Decision {
  return changed({ ...build, state: 'cancelled' }, said(BuildCancelled, { release: build.release, reason, supersededBy }), 'cancel');
}

function retry(build: Build): Decision {
  if (build.recipe === null && build.state !== 'built')
    return { outcome: 'refused', reason: { code: 'project-removed', message: 'there is nothing left to build it by' } };
  if (build.state !== 'failed' && build.state !== 'cancelled') return over(build);
  return changed({ ...build, state: 'queued', attempt: build.attempt + 1 }, null, 'owe');
}

function about(build: Build): { release: Release; attempt: number } {
  return { release: build.release, attempt: build.attempt };
}

function overtakenBy(number: number): Reason {
  return { code: 'superseded', message: `release ${number} of the same line is newer` };
}

const words: Record<BuildState, string> = {
  queued: 'waits to be built',
  building: 'is being built',
  built: 'has its image already',
  failed: 'failed to build; retry it first',
  cancelled: 'was cancelled; retry it first',
};

function over(build: Build): Decision {
  return { outcome: 'refused', reason: { code: `build-${build.state}`, message: `release ${build.release.number} ${words[build.state]}` } };
}

/** Ties an event to data that fits it; what is said is checked here by the compiler, and again by the contract when it is published. */
function said<E extends EventDefinition>(event: E, data: DataOf<E>): { event: EventDefinition; data: unknown } {
  return { event, data };
}

function changed(next: Build, say: { event: EventDefinition; data: unknown } | null, work: 'owe' | 'cancel' | null = null): Decision {
  return { outcome: 'changed', next, say, work };
}
