import type { CommitIdentity, ImageReference, PersonReference, ProjectFile, Reason, Release, RepositoryFile } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { Source, SourceControl } from '@slipway/source-control';
import type { Known } from './domain/movements.js';
import type { Watched } from './domain/registration.js';

/** A project's source as it was applied last, and how polling it goes. */
export interface WatchedSource {
  readonly project: string;
  readonly version: number;
  /** Null once the project was removed. */
  readonly file: ProjectFile | null;
  /** Counts up each time the project comes back or its url changes; part of the key of its poll. */
  readonly generation: number;
  /** The patterns of the last good poll; null before the first. */
  readonly watched: Watched | null;
  readonly failure: { readonly code: string; readonly since: Date; readonly count: number; readonly said: boolean } | null;
  /** Who asked for a refresh since the last poll. */
  readonly asked: PersonReference | null;
}

/** A release as its birth left it, and what became of its image. */
export interface Born {
  readonly release: Release;
  readonly projectVersion: number;
  readonly repositoryFile: RepositoryFile | null;
  readonly image: ImageReference | null;
  /** True while image-builder has not answered. */
  readonly building: boolean;
}

/** What a webhook said: verified, but used for nothing except who pushed, and to look sooner. */
export interface Delivery {
  readonly project: string;
  /** The provider's id, or what stands for it: the same delivery twice is one. */
  readonly id: string;
  readonly ref: string | null;
  readonly revision: string | null;
  readonly pusher: CommitIdentity | null;
}

/** What becomes of a revision; exactly one a project, ref and revision. */
export type Outcome =
  | { readonly kind: 'release' | 'folded'; readonly number: number }
  | { readonly kind: 'ignored'; readonly reason: Reason };

/** The tables of sources, of what was seen in them, and of deliveries that told of a push. */
export abstract class Sources {
  /** Takes the row for the rest of the transaction, where there is one: numbers and heads are given out under it. */
  abstract lock(tx: Tx, project: string): Promise<WatchedSource | undefined>;
  abstract find(project: string): Promise<WatchedSource | undefined>;
  /** False where this version or a newer one is known already. */
  abstract apply(
    tx: Tx,
    project: string,
    version: number,
    file: ProjectFile | null,
  ): Promise<{ before: WatchedSource | undefined } | false>;
  /** Every source that is to be polled. */
  abstract live(): Promise<{ project: string; generation: number }[]>;
  abstract ofSubversion(uuid: string): Promise<WatchedSource[]>;
  abstract knownHeads(project: string): Promise<Known[]>;
  abstract keepHead(tx: Tx, project: string, head: Known): Promise<void>;
  abstract dropHead(tx: Tx, project: string, ref: string): Promise<void>;
  /** What a good poll leaves behind: the patterns it used, the repository's id. Ends a failure. */
  abstract polled(tx: Tx, project: string, watched: Watched, uuid: string | undefined): Promise<void>;
  abstract failed(tx: Tx, project: string, failure: { code: string; said: boolean }): Promise<void>;
  abstract ask(tx: Tx, project: string, person: PersonReference): Promise<void>;

  /** The next release number of a project. Under the lock, so that there are no gaps. */
  abstract allocate(tx: Tx, project: string): Promise<number>;
  /** False where this delivery was seen before. */
  abstract deliver(tx: Tx, delivery: Delivery): Promise<boolean>;
  abstract deliveries(project: string, revisions: readonly string[]): Promise<Delivery[]>;
  /** Forgets deliveries nobody will send again. */
  abstract forgetDeliveries(olderThanDays: number): Promise<void>;
  /** Returns whether the version is another than the one known before; false for the first one heard. */
  abstract secretVersion(tx: Tx, secret: { project: string; name: string; service: string; version: string | null }): Promise<boolean>;
}

/** The tables of outcomes and of the releases born. */
export abstract class Releases {
  /** Of these revisions those that have no outcome yet. To be asked under the lock. */
  abstract unrecorded(tx: Tx, project: string, ref: string, revisions: readonly string[]): Promise<ReadonlySet<string>>;
  abstract record(tx: Tx, project: string, ref: string, revisions: readonly string[], outcome: Outcome): Promise<void>;

  abstract keep(tx: Tx, born: Born): Promise<void>;
  /** Newest first. */
  abstract newest(project: string, limit: number): Promise<Born[]>;
  /** The newest release of a branch itself; of a line that is none, or has none, the newest on it. */
  abstract lastOnLine(project: string, line: string): Promise<Born | undefined>;
  /** The newest release of exactly this revision, one with an image before all others. */
  abstract ofRevision(project: string, revision: string): Promise<Born | undefined>;
  /** What was born of a release's line after it, newest first: the newest 1,000. */
  abstract onLineSince(tx: Tx, release: Release): Promise<Release[]>;
  /** Of each ref the newest built release that brought code, and the newest configuration of one, which may be of older code. */
  abstract newestBuilt(tx: Tx, project: string): Promise<Born[]>;
  /** Notes how a build ended; returns the project, undefined for a release that is not ours. */
  abstract built(tx: Tx, release: string, image: ImageReference | null): Promise<string | undefined>;
}

/** The version control systems, as a project's file names them. */
export abstract class Repositories {
  abstract of(project: string, file: ProjectFile): { readonly control: SourceControl; readonly source: Source };
}

/** Secrets that webhooks are signed with. */
export abstract class WebhookSecrets {
  /** Undefined where the operator has put none there. */
  abstract read(project: string, name: string): Promise<Buffer | undefined>;
}
