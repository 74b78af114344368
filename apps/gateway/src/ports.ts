import type {
  AuditLink,
  CommandIssued,
  DataOf,
  EventDeadLettered,
  Person,
  PersonReference,
  ProjectFile,
  TargetFile,
} from '@slipway/contracts';
import type { Received } from '@slipway/messaging';
import type { Tx } from '@slipway/postgres';
import type { ReleaseState, Told } from '@slipway/release';
import type { Beside } from './domain/audit-fit.js';
import type { EnvironmentFacts } from './domain/environment-view.js';
import type { Scope } from './domain/event-scope.js';
import type { RequestView } from './domain/request-views.js';

/** A person with the version that counts up. */
export interface Known {
  readonly person: Person;
  readonly version: number;
}

/** Everybody Slipway knows. */
export abstract class People {
  /** Locks and loads. */
  abstract lock(tx: Tx, id: string): Promise<Known | undefined>;
  /** Keeps the person as they are from now on; their version is then this. */
  abstract save(tx: Tx, person: Person, version: number): Promise<void>;
  /** Locks everybody, where a rule is about all of them: somebody stays administrator, a key belongs to one person. */
  abstract lockAll(tx: Tx): Promise<readonly Person[]>;
  abstract all(): Promise<readonly Person[]>;
}

/** A token as its owner sees it. */
export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** Who comes with a token that is good now. */
export interface Bearer {
  readonly token: string;
  readonly person: Person;
}

/** What lets people in: tokens, and links that are good once. Only hashes are kept. */
export abstract class Credentials {
  /** The bearer of a token that is neither expired nor revoked and whose person is active. Notes when it was last used, to the minute. */
  abstract bearerOf(hash: string): Promise<Bearer | undefined>;
  /** Whether a token found before is still good; its person as they are now. */
  abstract stillGood(token: string): Promise<Bearer | undefined>;
  abstract addToken(tx: Tx, token: { id: string; hash: string; person: string; name: string; expiresAt: Date | null }): Promise<TokenRow>;
  abstract tokensOf(person: string): Promise<readonly TokenRow[]>;
  abstract revoke(person: string, token: string): Promise<TokenRow | undefined>;
  abstract revokeAll(tx: Tx, person: string): Promise<void>;
  abstract addLink(tx: Tx, link: { hash: string; person: string | null; expiresAt: Date }): Promise<void>;
  /** Uses a link up. `person` is null for the first administrator's; undefined where it is unknown, used or over. */
  abstract useLink(tx: Tx, hash: string): Promise<{ person: string | null } | undefined>;
  /** The links of the first administrator that are still good. */
  abstract administratorLinks(tx: Tx): Promise<readonly { hash: string; createdAt: Date }[]>;
  /** Ends all links of this person, or of the first administrator. */
  abstract endLinks(tx: Tx, person: string | null): Promise<void>;
}

export type FileOf = { project: ProjectFile; target: TargetFile };
export type Kind = keyof FileOf;

/** A project or target as it was last applied; `file` is null once it was removed. */
export interface AppliedRow<K extends Kind> {
  readonly name: string;
  readonly version: number;
  readonly file: FileOf[K] | null;
  readonly appliedBy: PersonReference;
  readonly appliedAt: Date;
}

/** Projects and targets, every version of them. */
export abstract class Applied {
  /** Holds off whoever applies the same name, whether it exists or not. */
  abstract lock<K extends Kind>(tx: Tx, kind: K, name: string): Promise<AppliedRow<K> | undefined>;
  abstract save<K extends Kind>(
    tx: Tx,
    kind: K,
    row: { name: string; version: number; file: FileOf[K] | null; by: PersonReference; reason: string },
  ): Promise<void>;
  /** Those in force. */
  abstract list<K extends Kind>(kind: K): Promise<readonly AppliedRow<K>[]>;
  abstract find<K extends Kind>(kind: K, name: string): Promise<AppliedRow<K> | undefined>;
  /** Which of these targets are not in force. Holds off their removal until the transaction ends. */
  abstract missingTargets(tx: Tx, names: readonly string[]): Promise<readonly string[]>;
  abstract projectsOn(tx: Tx, target: string): Promise<readonly string[]>;
}

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
  /** To be called last in the transaction: numbers follow the order of commits, so that who reads on from one misses none. */
  abstract append(tx: Tx, event: Received, scope: Scope): Promise<void>;
  /** Rows after a number, in order. */
  abstract after(seq: string, limit: number, only: JournalScope): Promise<readonly JournalRow[]>;
  /** The same for all rows, inside a transaction. */
  abstract within(tx: Tx, seq: string, limit: number): Promise<readonly JournalRow[]>;
  abstract newest(): Promise<{ seq: string; at: Date | null }>;
  /** What it takes on disk, archives not counted. */
  abstract bytes(): Promise<number>;
  /** When the journal last had something of each service. */
  abstract lastHeard(): Promise<ReadonlyMap<string, Date>>;
  /** Makes the partitions of this month and the next two. */
  abstract makePartitions(): Promise<void>;
  /** Months (`2026-11`) still here that ended more than so many months ago, oldest first. */
  abstract monthsBefore(months: number): Promise<readonly string[]>;
  abstract rowsOf(month: string): AsyncIterable<JournalRow>;
  /** Takes a month out of Postgres and notes its file. @throws Error where the file does not hold all of it. */
  abstract dropMonth(month: string, file: { rows: number; sha256: string }): Promise<void>;
  /** The files that months were moved to, oldest first. */
  abstract archives(tx: Tx): Promise<readonly { month: string; sha256: string }[]>;
}

/** Months of the journal as files. */
export abstract class JournalFiles {
  /** Writes a month whole or not at all. */
  abstract write(month: string, rows: AsyncIterable<JournalRow>): Promise<{ rows: number; sha256: string }>;
  /** @throws Error naming the file that is missing or is not the one that was written. */
  abstract read(month: string, sha256: string): AsyncIterable<JournalRow>;
}

/** What is shown of a release beside its state. */
export interface About {
  readonly title: string;
  readonly authors: readonly string[];
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

/** Writes the ledger: tables that can be folded anew from the journal at any time. */
export abstract class LedgerBooks {
  /** To be called first in every fold: holds off a rebuild, and other folds of these releases. */
  abstract open(tx: Tx, releases: readonly string[]): Promise<void>;
  /** Holds off every fold and empties the books. */
  abstract clear(tx: Tx): Promise<void>;
  abstract keepEvents(tx: Tx, rows: readonly { release: string; event: Told }[]): Promise<void>;
  abstract eventsOf(tx: Tx, release: string): Promise<readonly Told[]>;
  abstract saveRelease(tx: Tx, row: ReleaseRow): Promise<void>;
  abstract saveRequest(tx: Tx, view: RequestView): Promise<void>;
  abstract lockEnvironment(tx: Tx, project: string, environment: string): Promise<EnvironmentFacts>;
  abstract saveEnvironment(tx: Tx, facts: EnvironmentFacts): Promise<void>;
  abstract keepCommand(tx: Tx, issued: Issued, at: string): Promise<void>;
  abstract keepAnswer(tx: Tx, answer: Answer): Promise<void>;
  abstract keepDeadLetter(tx: Tx, event: string, at: string, data: DeadLettered): Promise<void>;
  abstract auditBeside(tx: Tx, chain: string, sequence: number): Promise<Beside>;
  abstract keepLink(tx: Tx, link: AuditLink): Promise<void>;
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
    /** Only those this person may decide and has not. */
    eligible?: string | undefined;
    after?: After | undefined;
    limit: number;
  }): Promise<readonly RequestView[]>;
  abstract environments(project: string): Promise<readonly EnvironmentFacts[]>;
  abstract command(id: string): Promise<CommandRow | undefined>;
  /** What was said to any of these by now. */
  abstract answers(to: readonly string[]): Promise<readonly Answer[]>;
  abstract deadLetters(where: {
    service?: string | undefined;
    after?: After | undefined;
    limit: number;
  }): Promise<readonly { data: DeadLettered; event: string; at: Date; state: 'open' | 'replayed' | 'discarded' }[]>;
  abstract auditConflicts(): Promise<readonly { chain: string; sequence: number; reason: string }[]>;
  abstract audit(chain: string, after: number, limit: number): Promise<{ links: readonly AuditLink[]; head: AuditHead | null }>;
}

/** Logs of builds and containers, compressed. */
export abstract class Logs {
  abstract keep(tx: Tx, chunk: { release: string; stream: string; chunk: number; text: string; last: boolean }): Promise<void>;
  abstract streams(release: string): Promise<readonly string[]>;
  /** Chunks without a gap from this one on, at most so many. */
  abstract read(release: string, stream: string, from: number, most: number): Promise<readonly { text: string; last: boolean }[]>;
}
