import type { Readable } from 'node:stream';

/** Where a project's source is and what of it is watched. Every field but `url` and `name` may come straight from the project file. */
export interface Source {
  /** Who it belongs to: the project's name. Together with url and credentials it names the mirror. */
  readonly name: string;
  /** Without credentials; see {@link guardUrl} for what is allowed. */
  readonly url: string;
  /** Glob patterns; in Subversion paths below the url. */
  readonly branches: readonly string[];
  readonly tags: readonly string[];
  readonly username?: string | undefined;
  /** Name of a secret, the file `<name>/<credentials>` under the secrets directory: `user:password`, a token, or (ssh) a private key. */
  readonly credentials?: string | undefined;
  /** Bring submodules along in archives. */
  readonly submodules?: boolean | undefined;
  /** Replace LFS pointers by what they point to in archives. */
  readonly lfs?: boolean | undefined;
}

/** One revision as seen from one ref. Subversion needs both: a revision number says nothing without a path. */
export interface Point {
  /** `refs/heads/<branch>` or `refs/tags/<tag>`; in Subversion the name is the path below the source's url. */
  readonly ref: string;
  /** A full Git commit id or a Subversion revision number. */
  readonly revision: string;
}

/** What a poll sees. */
export interface Heads {
  /** Only refs that match the source's patterns, each once, sorted by ref. */
  readonly heads: readonly Point[];
  /** The repository's own id, where it has one (Subversion). */
  readonly uuid?: string | undefined;
}

/** Who a commit says somebody is; nothing here is verified. */
export interface Identity {
  readonly name: string;
  readonly email: string | null;
  /** The user name at the source, where commits carry it (Subversion). */
  readonly account?: string;
}

export interface CommitRecord {
  readonly revision: string;
  /** Git: the commits this one grew from. Empty in Subversion. */
  readonly parents: readonly string[];
  readonly author: Identity;
  /** Null where the system knows no such person (Subversion). */
  readonly committer: Identity | null;
  /** From `Co-authored-by:` trailers. */
  readonly coAuthors: readonly Identity[];
  /** Cut after 4,000 characters. */
  readonly message: string;
  /** When it was committed, RFC 3339 in UTC. */
  readonly time: string;
}

export interface CommitRange {
  /** Newest first. */
  readonly commits: readonly CommitRecord[];
  /** True when the range holds more than the limit: who else wrote in it is then unknown, and rules about authors must fail closed. */
  readonly truncated: boolean;
}

/** Bounds of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Instead of the adapter's own limit, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A version control system, as Slipway needs it. Every method throws a SourceError with a typed reason, keeps its own time limit and
 * may be called by several processes on one data directory at once.
 */
export interface SourceControl {
  readonly kind: 'git' | 'svn';
  /** Refuses a source that could never be polled (url, patterns, credentials) before anything is started; throws `refused-url` or `refused-ref`. */
  check(source: Source): Promise<void>;
  /** The cheap poll: asks the server only. Throws `empty` when the repository holds no branch and no tag at all. */
  heads(source: Source, options?: CallOptions): Promise<Heads>;
  /** Brings what the heads reach to this machine, where the system works on a copy; afterwards the questions below need no network. */
  fetch(source: Source, options?: CallOptions): Promise<void>;
  /** The commits that `to` has and `from` has not, those that were merged among them; without `from` the newest ones up to the limit. */
  commits(
    source: Source,
    range: { from?: Point | undefined; to: Point; limit?: number | undefined },
    options?: CallOptions,
  ): Promise<CommitRange>;
  /** Whether `descendant` contains `ancestor`. A revision is its own ancestor. False for what never was there or is gone. */
  isAncestor(source: Source, ancestor: Point, descendant: Point, options?: CallOptions): Promise<boolean>;
  /** Which of these contain the point and are not the point itself: asked at once, because it is asked about every earlier release. */
  containing(source: Source, point: Point, candidates: readonly Point[], options?: CallOptions): Promise<readonly Point[]>;
  /** The first of these that the point contains, where there is one; a revision contains itself. */
  firstContained(source: Source, point: Point, candidates: readonly Point[], options?: CallOptions): Promise<Point | undefined>;
  /** Paths that differ between the two trees, sorted; without `from` every path of `to`. Found by diff, never from what a webhook says. */
  changedPaths(source: Source, from: Point | undefined, to: Point, options?: CallOptions): Promise<readonly string[]>;
  /** The revision whose files a tag shows: itself in Git, in Subversion what was copied when nothing was changed in the copy. */
  taggedRevision(source: Source, tag: Point, options?: CallOptions): Promise<string>;
  /** One file's bytes, or undefined where there is none (a link or folder counts as none). Throws `too-large` above `maxBytes`. */
  file(source: Source, point: Point, path: string, options?: CallOptions & { maxBytes?: number }): Promise<Buffer | undefined>;
  /** The tree as a tar, equal to a plain clone's or checkout's files. The stream fails with a SourceError when it can't be finished. */
  archive(source: Source, point: Point, options?: CallOptions): Promise<Readable>;
  /** Removes what this adapter keeps for the source. */
  forget(source: Source): Promise<void>;
}

/** What operators set for all sources. */
export interface SourceControlConfig {
  /** Mirrors, temporary exports and private configuration live below it; may be shared by several processes. */
  readonly dataDir: string;
  /** Where credentials are looked up. */
  readonly secretsDir?: string | undefined;
  /** OpenSSH known_hosts with the pinned host keys; default `known_hosts` in the secrets directory. Unknown hosts are refused. */
  readonly knownHostsFile?: string | undefined;
  /** PEM file with certificates to trust besides the system's. */
  readonly caFile?: string | undefined;
  /** Folders below which `file://` is allowed; none by default. */
  readonly fileFolders?: readonly string[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
}

export interface Limits {
  /** Size of one mirror on disk, bytes. */
  readonly mirrorBytes: number;
  /** Size of one archive, bytes. */
  readonly archiveBytes: number;
  /** Size of one LFS file, bytes: Git holds it in memory while it writes it into an archive. */
  readonly lfsFileBytes: number;
  /** Memory that git or svn and what they start may hold together, bytes. */
  readonly programBytes: number;
  /** Refs that match a source's patterns. */
  readonly refs: number;
  /** Time for a poll, a fetch or archive, and for a question to the local copy, milliseconds. */
  readonly pollMs: number;
  readonly fetchMs: number;
  readonly localMs: number;
  /** Below this many bytes a second for `stallSeconds` a transfer is given up. */
  readonly stallBytesPerSecond: number;
  readonly stallSeconds: number;
}

/** Wide enough for large repositories, small enough that one source can't fill a disk or hold a worker for ever. */
export const defaultLimits: Limits = {
  mirrorBytes: 4 * 1024 ** 3,
  archiveBytes: 2 * 1024 ** 3,
  lfsFileBytes: 512 * 1024 ** 2,
  programBytes: 2 * 1024 ** 3,
  refs: 5_000,
  pollMs: 60_000,
  fetchMs: 600_000,
  localMs: 60_000,
  stallBytesPerSecond: 1_000,
  stallSeconds: 30,
};
