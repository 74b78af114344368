import type {
  CommitIdentity,
  DsseEnvelope,
  ImageReference,
  Person,
  ProjectFile,
  Release,
  RepositoryFile,
  TargetFile,
} from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { ApprovalRequest, HeardVerdict } from './domain/approval-request.js';
import type { Link, ToldCommit } from './domain/change.js';

/** A release as approval must know it: separation of duties counts on `people` being whole. */
export interface KnownRelease {
  readonly release: Release;
  readonly people: readonly CommitIdentity[];
  readonly pusher: CommitIdentity | null;
  readonly triggerPerson: string | null;
  /** The revision of the release it was compared with at its birth. */
  readonly from: string | null;
  /** The newest commits it brought, newest first, for people to read. */
  readonly commits: readonly ToldCommit[];
  readonly commitTotal: number;
  readonly withdrawn: boolean;
}

/** What is known of a release that has passed an environment: all that the next one needs. */
export interface Passage {
  readonly release: Release;
  readonly environment: string;
  readonly projectVersion: number;
  readonly image: ImageReference;
  readonly provenance: DsseEnvelope;
  readonly verdict: HeardVerdict;
  readonly repositoryFile: RepositoryFile | null;
  readonly authors: readonly CommitIdentity[];
  readonly passedAt: string;
}

/** A release that runs, and where it answers. */
export interface Runs {
  readonly release: Release;
  readonly image: ImageReference;
  readonly address: string;
}

/** What an environment runs, and what is barred from it. */
export interface Standing {
  readonly project: string;
  readonly environment: string;
  readonly release: Release | null;
  readonly image: ImageReference | null;
  readonly address: string | null;
  readonly barred: readonly number[];
}

export interface AppliedProject {
  readonly name: string;
  readonly version: number;
  readonly file: ProjectFile | null;
}

export interface AppliedTarget {
  readonly name: string;
  readonly version: number;
  readonly file: TargetFile | null;
}

/** What others have said and approval decides by. Each `keep…` ignores what is older than what it has. */
export abstract class Knowledge {
  /**
   * Waits until nobody else asks or reconsiders for this project, until the end of the transaction. Without it, what is asked by an old file and the
   * new file that should void it pass each other unseen; so do a release that finds no file yet and the file that finds no release yet.
   */
  abstract alone(tx: Tx, project: string): Promise<void>;
  /** The same for a target: many may read it to ask, whoever changed it waits for them. */
  abstract whileStands(tx: Tx, target: string): Promise<void>;
  abstract whenUnread(tx: Tx, target: string): Promise<void>;
  abstract keepProject(tx: Tx, project: AppliedProject): Promise<boolean>;
  abstract keepTarget(tx: Tx, target: AppliedTarget): Promise<boolean>;
  abstract keepPerson(tx: Tx, person: Person, version: number): Promise<boolean>;
  abstract keepSecrets(
    tx: Tx,
    project: string,
    service: string,
    secrets: readonly { name: string; version: string | null }[],
  ): Promise<void>;
  /** `merged`: numbers of the releases that came in with it; null where that was not told. */
  abstract keepRelease(tx: Tx, release: KnownRelease, merged: readonly number[] | null): Promise<void>;
  /** One that is not withdrawn yet. */
  abstract withdraw(tx: Tx, release: KnownRelease, at: Date): Promise<void>;
  abstract keepPassage(tx: Tx, passage: Passage): Promise<void>;
  /** `what` is null where nothing runs any more. False for what is older than what is kept. Bars that are not believed are taken away. */
  abstract keepStanding(tx: Tx, place: { project: string; environment: string }, what: Runs | null, at: Date): Promise<boolean>;
  /** Bars that are not believed are written over. */
  abstract bar(tx: Tx, project: string, environment: string, number: number): Promise<void>;
  abstract unbar(tx: Tx, project: string, environment: string, number: number): Promise<void>;
  abstract project(tx: Tx, name: string): Promise<AppliedProject | undefined>;
  abstract target(tx: Tx, name: string): Promise<AppliedTarget | undefined>;
  /** Those who are believed. */
  abstract people(tx: Tx): Promise<readonly Person[]>;
  /** All of them, or undefined where somebody is not believed: they may be whom others are held against. */
  abstract everybody(tx: Tx): Promise<readonly Person[] | undefined>;
  abstract person(tx: Tx, id: string): Promise<Person | undefined>;
  abstract secrets(tx: Tx, project: string, service: string): Promise<ReadonlyMap<string, string>>;
  abstract release(tx: Tx, id: string): Promise<KnownRelease | undefined>;
  /** How the releases of a project up to this number hang on each other. */
  abstract linksUpTo(tx: Tx, project: string, number: number): Promise<readonly Link[]>;
  abstract releasesOf(tx: Tx, project: string, numbers: readonly number[]): Promise<readonly KnownRelease[]>;
  abstract passage(tx: Tx, release: string, environment: string): Promise<Passage | undefined>;
  /** The environments this release has passed. */
  abstract passed(tx: Tx, release: string): Promise<readonly string[]>;
  /** The newest passages of a project, at most 50: what could be asked again when something changes. */
  abstract recentPassages(tx: Tx, project: string): Promise<readonly Passage[]>;
  abstract projectsOn(tx: Tx, target: string): Promise<readonly string[]>;
  abstract standing(tx: Tx, project: string, environment: string): Promise<Standing | undefined>;
  /** The release that runs there; null where none does. */
  abstract running(tx: Tx, project: string, environment: string): Promise<Release | null>;
}

/** Whose requests. */
export type Where = { project: string; environment?: string } | { target: string } | { release: string };

/** Requests for sign-off. */
export abstract class Requests {
  /** Locks and loads. */
  abstract find(tx: Tx, id: string): Promise<ApprovalRequest | undefined>;
  abstract insert(tx: Tx, request: ApprovalRequest): Promise<void>;
  abstract save(tx: Tx, request: ApprovalRequest): Promise<void>;
  /** Open ones and those granted whose rollout has not begun, locked, oldest release first. */
  abstract undecided(tx: Tx, where: Where): Promise<readonly ApprovalRequest[]>;
  /** Of a project those that are open, locked, oldest release first: whoever waits for its rollout is left alone. */
  abstract open(tx: Tx, project: string): Promise<readonly ApprovalRequest[]>;
  /** Those undecided for the same environment whose release is older by line and ancestry, whatever their numbers; locked, in the order of these. */
  abstract olderThan(tx: Tx, request: ApprovalRequest): Promise<readonly ApprovalRequest[]>;
  /** The number of the newest release that is undecided for the same environment and newer in the same sense; null where none is. */
  abstract newestAfter(tx: Tx, request: ApprovalRequest): Promise<number | null>;
  /** The one that is open, or granted and not used yet, for this release and environment. */
  abstract current(tx: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined>;
  abstract latest(tx: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined>;
  /** False when this nonce was used before. */
  abstract useNonce(tx: Tx, nonce: string, request: string, at: Date): Promise<boolean>;
}

/** The record that auditors read. */
export abstract class AuditLog {
  /** Owes one entry to a chain; the same event is recorded once. */
  abstract record(tx: Tx, entry: AuditRecord): Promise<void>;
  /** Links what is owed, in order, each chain behind its head, and moves the heads; a chain whose head is not believed waits, and no other. */
  abstract link(
    tx: Tx,
    seal: (chain: string, head: ChainHead | undefined, entries: readonly AuditRecord[]) => Promise<SealedChain>,
  ): Promise<Linked>;
}

/** Entries linked in one go, at most: a bound for the transaction, not for the chain. */
export const linkedAtOnce = 200;

/** How many entries were dealt with, and which chains wait for their head to be mended. */
export interface Linked {
  readonly entries: number;
  readonly waiting: readonly string[];
}

export interface AuditRecord {
  readonly event: string;
  /** The project, or `installation`. */
  readonly chain: string;
  readonly at: string;
  readonly entry: Record<string, unknown>;
}

export interface ChainHead {
  readonly sequence: number;
  readonly hash: string;
}

export interface LinkedEntry extends AuditRecord {
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
}

export interface SealedChain {
  readonly links: readonly LinkedEntry[];
  readonly head: ChainHead & { readonly at: string; readonly envelope: DsseEnvelope };
}
