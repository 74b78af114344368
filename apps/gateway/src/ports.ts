import type { Person, PersonReference, ProjectFile, TargetFile } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';

export * from './ledger-fold-ports.js';
export * from './ledger-ports.js';
export * from './retention-ports.js';

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
  /** Whether there is somebody, believed or not; holds off whoever is about to be added. */
  abstract anybody(tx: Tx): Promise<boolean>;
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
  /** Revokes one that is good; undefined where there is none such. */
  abstract revoke(tx: Tx, person: string, token: string): Promise<TokenRow | undefined>;
  /** Revokes all of somebody's that are good. */
  abstract revokeAll(tx: Tx, person: string): Promise<readonly TokenRow[]>;
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

/** Logs of builds and containers, compressed. */
export abstract class Logs {
  abstract keep(tx: Tx, chunk: { release: string; stream: string; chunk: number; text: string; last: boolean }): Promise<void>;
  abstract streams(release: string): Promise<readonly string[]>;
  /** What all of them take, compressed. */
  abstract bytes(): Promise<number>;
  /** Deletes chunks that came longer ago than so many days, at most so many. */
  abstract forgetOlderThan(days: number, limit: number): Promise<{ chunks: number; bytes: number }>;
  /** Deletes the oldest chunks, at most so many and no more than take so many bytes, but one at least. */
  abstract forgetOldest(bytes: number, limit: number): Promise<{ chunks: number; bytes: number }>;
  /** Chunks without a gap from this one on, at most so many; from the first that is left where those before were forgotten. */
  abstract read(
    release: string,
    stream: string,
    from: number,
    most: number,
  ): Promise<readonly { chunk: number; text: string; last: boolean }[]>;
}
