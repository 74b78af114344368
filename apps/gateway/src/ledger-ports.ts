import type { AuditLink, CommandIssued, DataOf, EventDeadLettered, Person, Reason } from '@slipway/contracts';
import type { Received } from '@slipway/messaging';
import type { Tx } from '@slipway/postgres';
import type { Placed, ReleaseState, Told } from '@slipway/release';
import type { EnvironmentFacts, EnvironmentPlace } from './domain/environment-view.js';
import type { Scope } from './domain/event-scope.js';
import type { About, ReleaseAccount } from './domain/release-account.js';
import type { RequestView } from './domain/request-view.js';

/** An event as the journal has it. */
export interface JournalRow {
  readonly seq: string;
  readonly receivedAt: Date;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
  readonly project: string | null;
  readonly release: string | null;
}

/** Which rows of the journal: those of these projects, of any project, of one release; everything where nothing is said. */
export interface JournalScope {
  readonly projects?: readonly string[];
  readonly ofProjects?: boolean;
  readonly release?: string;
}

/** Every event but logs, as received, for ever. */
export abstract class Journal {
  /** In this order. To be called last in the transaction: numbers follow the order of commits, so that who reads on from one misses none. */
  abstract append(tx: Tx, all: readonly { event: Received; scope: Scope }[]): Promise<void>;
  /** Rows after a number, in order. */
  abstract after(seq: string, limit: number, only: JournalScope): Promise<readonly JournalRow[]>;
  /** The same for all rows, inside a transaction. */
  abstract within(tx: Tx, seq: string, limit: number): Promise<readonly JournalRow[]>;
  /**
   * The last that a service said because of an event, of the first `limit` rows it said after `seq`; `whole` where there are no more than those, so that
   * nothing found is nothing said.
   */
  abstract saidBecause(
    service: string,
    cause: string,
    seq: string,
    limit: number,
  ): Promise<{ last: JournalRow | undefined; whole: boolean }>;
  abstract newest(): Promise<{ seq: string; at: Date | null }>;
  /** What it takes on disk, archives not counted. */
  abstract bytes(): Promise<number>;
  /** When the journal last had something of each service. */
  abstract lastHeard(): Promise<ReadonlyMap<string, Date>>;
  /** Whether it has one of these events that came longer ago than so many seconds. */
  abstract has(names: readonly string[], olderThanSeconds: number): Promise<boolean>;
  /** Makes the partitions of this month and the next two. */
  abstract makePartitions(): Promise<void>;
  /** Months (`2026-11`) still here that ended more than so many months ago, oldest first. */
  abstract monthsBefore(months: number): Promise<readonly string[]>;
  abstract rowsOf(month: string): AsyncIterable<JournalRow>;
  /** Takes a month out of Postgres and notes its file. @throws Error where the file does not hold all of it. */
  abstract dropMonth(month: string, file: { rows: number; sha256: string }): Promise<void>;
  /** The files that months were moved to, oldest first. */
  abstract archives(): Promise<readonly { month: string; sha256: string }[]>;
}

/** A part of the journal cannot be read; the message says what to bring back. */
export class JournalUnreadable extends Error {
  override readonly name = 'JournalUnreadable';
}

/** Months of the journal as files. */
export abstract class JournalFiles {
  /** Writes a month whole or not at all. */
  abstract write(month: string, rows: AsyncIterable<JournalRow>): Promise<{ rows: number; sha256: string }>;
  /** @throws JournalUnreadable naming the file that is missing or is not the one that was written. */
  abstract read(month: string, sha256: string): AsyncIterable<JournalRow>;
  /** Of these months the files that are not there. */
  abstract missing(months: readonly string[]): Promise<readonly string[]>;
}

export interface ReleaseRow {
  readonly state: ReleaseState;
  readonly about: About;
  readonly bornAt: string;
  readonly changedAt: string;
}

export type Issued = DataOf<typeof CommandIssued>;
export type DeadLettered = DataOf<typeof EventDeadLettered>;

/** What a service said to a command or a sign-off. */
export interface Answer {
  readonly answers: string;
  readonly source: string;
  readonly name: string;
  readonly at: string;
  readonly data: unknown;
}

export interface AuditHead {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
  readonly at: string;
  readonly envelope: unknown;
}

/** Why the source of a project cannot be read, and since when (RFC 3339 UTC). */
export interface SourceFailure {
  readonly reason: Reason;
  readonly since: string;
}

/** Writes the ledger: tables that can be folded anew from the journal at any time. */
export abstract class LedgerBooks {
  /** To be called first in every fold: holds off a rebuild, and other folds of these releases. */
  abstract open(tx: Tx, releases: readonly string[]): Promise<void>;
  /** Holds off every fold until the transaction ends. */
  abstract hold(tx: Tx): Promise<void>;
  /** Keeps each event for each release it tells of; gives those that did not have it. */
  abstract keepEvents(
    tx: Tx,
    all: readonly { event: Told; releases: readonly string[] }[],
  ): Promise<readonly { release: string; event: string }[]>;
  abstract eventsOf(tx: Tx, release: string): Promise<readonly Told[]>;
  /**
   * For each of these events of releases: those other events of its release that `comesAfter` must be asked of (the newest, the highest its writer
   * numbered, one it caused), none of them one of these. Undefined where the place of an event is not on record.
   */
  abstract eventsBeside(tx: Tx, all: readonly { release: string; event: Told }[]): Promise<readonly (readonly Placed[] | undefined)[]>;
  /** What the books have of releases, of their requests these only. A release nothing is known of is left out. */
  abstract accountsOf(tx: Tx, releases: readonly string[], requests: readonly string[]): Promise<ReadonlyMap<string, ReleaseAccount>>;
  abstract saveReleases(tx: Tx, rows: readonly ReleaseRow[]): Promise<void>;
  abstract saveRequests(tx: Tx, views: readonly RequestView[]): Promise<void>;
  /** Locks and loads, each place once, in the order asked for. */
  abstract lockEnvironments(tx: Tx, places: readonly EnvironmentPlace[]): Promise<readonly EnvironmentFacts[]>;
  abstract saveEnvironments(tx: Tx, all: readonly EnvironmentFacts[]): Promise<void>;
  abstract keepCommand(tx: Tx, issued: Issued, at: string): Promise<void>;
  abstract keepAnswer(tx: Tx, answer: Answer): Promise<void>;
  abstract keepDeadLetter(tx: Tx, event: string, at: string, data: DeadLettered): Promise<void>;
  /** What is said of a project's source, null for that it can be read; what was said before `at` changes nothing. */
  abstract keepSource(tx: Tx, project: string, at: string, failing: SourceFailure | null): Promise<void>;
  /** What the books have at these places of audit chains, and at those before them. */
  abstract auditHashes(
    tx: Tx,
    places: readonly { chain: string; sequence: number }[],
  ): Promise<readonly { chain: string; sequence: number; hash: string }[]>;
  abstract keepLinks(tx: Tx, links: readonly AuditLink[]): Promise<void>;
  /** A link that does not fit the chain. */
  abstract keepConflict(tx: Tx, link: AuditLink, reason: string): Promise<void>;
  /** A newer head of a chain; an older one changes nothing. */
  abstract keepHead(tx: Tx, head: AuditHead): Promise<void>;
}

/** Where a page of a list begins: after this time and id, the newest first. */
export interface After {
  readonly at: string;
  readonly id: string;
}

export interface CommandRow {
  readonly issued: Issued;
  readonly issuedAt: Date;
  readonly answer: Answer | undefined;
}

/** Reads the ledger. */
export abstract class Ledger {
  /** The time by which everything in it was written: the database's. */
  abstract now(): Promise<Date>;
  abstract release(id: string): Promise<ReleaseRow | undefined>;
  abstract releaseByNumber(project: string, number: number): Promise<ReleaseRow | undefined>;
  abstract story(release: string): Promise<readonly Told[]>;
  /** `projects: null` means all. */
  abstract releases(where: {
    projects: readonly string[] | null;
    environment?: string | undefined;
    phases?: readonly string[] | undefined;
    quietSince?: Date | undefined;
    after?: After | undefined;
    limit: number;
  }): Promise<readonly ReleaseRow[]>;
  abstract countByPhase(): Promise<readonly { project: string; phase: string; count: number }[]>;
  abstract request(id: string): Promise<RequestView | undefined>;
  abstract requests(where: {
    projects: readonly string[] | null;
    state?: string | undefined;
    /** Only those this person may decide and has not, by the roles they have now: when the request was told of, they may have had others, or not been here. */
    eligible?: Pick<Person, 'id' | 'roles'> | undefined;
    after?: After | undefined;
    limit: number;
  }): Promise<readonly RequestView[]>;
  abstract environments(project: string): Promise<readonly EnvironmentFacts[]>;
  /** Those whose newest word is that they are not what was approved. */
  abstract drifted(projects: readonly string[] | null): Promise<readonly EnvironmentFacts[]>;
  /** The sources that cannot be read, by project. */
  abstract failingSources(projects: readonly string[] | null): Promise<ReadonlyMap<string, SourceFailure>>;
  abstract command(id: string): Promise<CommandRow | undefined>;
  /** What was said to any of these by now. */
  abstract answers(to: readonly string[]): Promise<readonly Answer[]>;
  abstract deadLetters(where: {
    service?: string | undefined;
    after?: After | undefined;
    limit: number;
  }): Promise<readonly { data: DeadLettered; event: string; at: Date; state: 'open' | 'replayed' | 'discarded' }[]>;
  /** The dead letters of these events that nobody dealt with. */
  abstract deadLettersOf(events: readonly string[]): Promise<readonly { data: DeadLettered; at: Date }[]>;
  abstract auditConflicts(): Promise<readonly { chain: string; sequence: number; reason: string }[]>;
  abstract audit(chain: string, after: number, limit: number): Promise<{ links: readonly AuditLink[]; head: AuditHead | null }>;
}
