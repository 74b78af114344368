import type { DsseEnvelope, ImageReference, ProjectFile, Reason, Release } from '@slipway/contracts';
import type { Cause } from '@slipway/messaging';
import type { Tx } from '@slipway/postgres';
import type { Build } from './domain/build.js';
import type { Recipe } from './domain/recipe.js';

/** A build as it is kept: what decides about it, and what is known besides. */
export interface KeptBuild {
  readonly build: Build;
  /** The event that brought it, so that its outcome is an answer to that. */
  readonly cause: Cause;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly provenance: DsseEnvelope | null;
}

/** Builds and the project files they are made by, in this service's own tables. */
export abstract class Builds {
  /** Keeps a version of a project file for good: a release names the version it was born under. */
  abstract keepProject(tx: Tx, project: { name: string; version: number; file: ProjectFile | null }): Promise<void>;
  /** The file of a version, or of the next one that is known; null where the project was removed by it; undefined when it was not heard of yet. */
  abstract project(tx: Tx, name: string, version: number): Promise<ProjectFile | null | undefined>;
  /** False when the release is there already. */
  abstract add(tx: Tx, build: Build, cause: Cause): Promise<boolean>;
  /** Locked until the transaction ends. */
  abstract find(tx: Tx, release: string): Promise<KeptBuild | undefined>;
  abstract save(tx: Tx, build: Build, provenance?: DsseEnvelope): Promise<void>;
  /** Builds of commits of a line that are not at an end, oldest first, locked. */
  abstract openOf(tx: Tx, project: string, line: string): Promise<Build[]>;
  /** The number of the newest commit of a line. */
  abstract newestOf(tx: Tx, project: string, line: string): Promise<number | undefined>;
  /** Another release of the same revision and recipe that has its image, or is before this one on its way to it. */
  abstract twinOf(tx: Tx, build: Build): Promise<Build | undefined>;
  /** Releases of the same revision and recipe that wait for this one's image. */
  abstract waitingFor(tx: Tx, build: Build): Promise<Build[]>;
  /** The release an image was built for. */
  abstract builtAs(tx: Tx, project: string, digest: string): Promise<{ release: string; number: number } | null>;
  /** Releases that wait for, or are in, a build. */
  abstract open(): Promise<Build[]>;
}

/** Thrown into a build whose log has reached its limit. */
export class LogIsFull extends Error {
  override readonly name = 'LogIsFull';
}

/** What is to be built, and under which names. */
export interface Order {
  readonly release: Release;
  readonly attempt: number;
  readonly recipe: Recipe;
  /** The same for every try at this attempt: who comes after a crash finds what was done. */
  readonly tag: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** How far an order got, kept between claims. */
export interface Progress {
  /** Id of the image's configuration: what was built is known by it again, here or in the registry. */
  readonly imageId?: string;
  /** Logs opened for this attempt so far. */
  readonly logs?: number;
}

export interface Production {
  /** Ends everything at once. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Resolves when it is kept. */
  keep(progress: Progress): Promise<void>;
  /** A line of the build's log. Throws `LogIsFull`, which ends the build. */
  log(line: string): void;
  /** A line of ours beside it, which no limit holds back. */
  note(line: string): void;
}

/** Failed is the Dockerfile's, the source's or a limit's own no. What throws is errored: tried again. */
export type Produced =
  | { readonly outcome: 'built'; readonly digest: string }
  | { readonly outcome: 'failed'; readonly reason: Reason; readonly step: string | null };

/** What turns a revision into an image in the registry. */
export abstract class ImageBackend {
  /** Looks first what an earlier claim has done and goes on from there. The digest is the one the registry keeps. Throws `PartUnavailable` where a part does not answer. */
  abstract produce(order: Order, production: Production): Promise<Produced>;
  /** Makes room where it builds: forgets images older than a moment that nothing there uses, and what this process keeps for builds. They stay in the registry. */
  abstract tidy(olderThan: Date, signal: AbortSignal): Promise<void>;
}

/** Keeps signed statements beside the image they are about. */
export abstract class Attestations {
  /** False when the registry takes no attestations or no longer has the image. */
  abstract put(image: ImageReference, envelope: DsseEnvelope, signal: AbortSignal): Promise<boolean>;
}

/** An image that nothing may use any more, with the releases it was kept for. */
export interface Retired {
  readonly image: ImageReference;
  readonly releases: readonly Pick<Release, 'id' | 'number' | 'project'>[];
}

/** Which images may go: those built here, once every release that has one was retired. */
export abstract class RetiredImages {
  /**
   * What an image stands for, or undefined while it is kept. Whoever takes it for a release, or retires it, asks this first: others who do wait until
   * the transaction ends. An image that was not built here is somebody else's, and kept.
   */
  abstract retired(tx: Tx, digest: string): Promise<Retired | undefined>;
  /** Whether every release that has an image built here is marked as one that needs it no longer, proven or not: an older version's mark proves nothing. */
  abstract isMarked(tx: Tx, digest: string): Promise<boolean>;
  /** Notes that these releases need it no longer. To be called after {@link retired} in the same transaction. */
  abstract retire(tx: Tx, digest: string, releases: readonly string[]): Promise<void>;
  /** Which of these tags builds were pushed under into a repository. */
  abstract pushedAs(tx: Tx, repository: string, tags: readonly string[]): Promise<ReadonlySet<string>>;
}

/** The registries that images were pushed to. */
export abstract class PushedImages {
  /**
   * Removes an image with what is beside it, unless it has a tag that is none of `ownOf` these; gives why the registry keeps it, or null where it is gone.
   * Throws `PartUnavailable`.
   */
  abstract remove(
    image: ImageReference,
    ownOf: (tags: readonly string[]) => Promise<ReadonlySet<string>>,
    signal: AbortSignal,
  ): Promise<Reason | null>;
}
