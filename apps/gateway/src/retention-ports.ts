import type { CommandAction, ProjectFile, Reason } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { Keeper } from './domain/image-retention.js';

/** Which releases lost their images, and what that is decided by. */
export abstract class Retention {
  /** The time so many days ago, by the database. */
  abstract daysAgo(days: number): Promise<Date>;
  /** Whether everything that was heard was understood: what was not may tell that an image runs. */
  abstract understoodAll(): Promise<boolean>;
  /** Projects with releases born before a time that were not retired. */
  abstract projects(before: Date): Promise<readonly string[]>;
  /** Releases of a project that were not retired, those without an image too. */
  abstract releasesOf(project: string): Promise<readonly Keeper[]>;
  /** Digests that a file in force names, or the file in the repository of a release that was not retired; of any project. */
  abstract named(tx?: Tx): Promise<ReadonlySet<string>>;
  /**
   * Of these releases those that are as they were read, and for which nobody has asked since that time, nor waits for an answer: they may be retired
   * until the transaction ends. Holds off commands meanwhile.
   */
  abstract unasked(tx: Tx, releases: readonly Keeper[], since: Date): Promise<ReadonlySet<string>>;
  abstract retire(tx: Tx, releases: readonly string[]): Promise<void>;
  /** Why nothing can come of a command any more: the image it needs was retired. Holds off retiring until the transaction ends. */
  abstract refusal(tx: Tx, action: CommandAction): Promise<Reason | undefined>;
  /** Why a file cannot name one of its images any more: that was retired. Holds off retiring until the transaction ends. */
  abstract refusalOf(tx: Tx, file: ProjectFile): Promise<Reason | undefined>;
  /** Notes what became of retired images in their registries since the last time. */
  abstract follow(): Promise<void>;
  /** Images that registries keep though they were retired, by reason. */
  abstract refused(projects: readonly string[] | null): Promise<readonly { reason: Reason; releases: number }[]>;
}
