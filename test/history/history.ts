import type { TrustFile } from '@slipway/identity';

/**
 * What happened in one run, from records that nothing of the suite wrote for whoever judges it: plain data, so that it can be written to a file
 * and judged again. Nothing in it is believed yet: who signed what is looked at by the judge.
 */
export interface History {
  readonly about: About;
  /** Every record that was read of every topic, from offset 0 on, by topic, partition and offset. */
  readonly records: readonly TopicRecord[];
  /** How far each service's consumer group had got when the run was over. */
  readonly places: readonly Place[];
  /** Rows of every table, as they were when the run was over. */
  readonly tables: readonly Table[];
  readonly docker: DockerHistory;
  readonly registry: RegistryHistory;
  /** What load clients asked, and what they were answered, in order. */
  readonly seen: readonly Seen[];
  /** The commits of every repository the run knew, read from the repository itself. */
  readonly repositories: readonly RepositoryHistory[];
  /** What else a secret may stand in: logs of processes, answers, pages, layers, lists of processes. */
  readonly texts: readonly Text[];
}

export interface About {
  readonly title: string;
  readonly installation: string;
  readonly topicPrefix: string;
  /** When the witness began to look, and when it had read everything; RFC 3339. */
  readonly from: string;
  readonly until: string;
  /** When the ends of the topics were asked for, by Postgres' clock: what was published by then is in the topics. */
  readonly topicsAt?: string | undefined;
  /** When the last fault of the run ended; absent where there was none. Promise 6 is judged from here on. */
  readonly faultsEnded?: string | undefined;
  /** Whom services believe, as the file they read says it. */
  readonly trust: TrustFile;
  /** Values that may stand nowhere. */
  readonly canaries: readonly Canary[];
  /** What the witness could not read, in words: the promises that rest on it say so instead of holding. */
  readonly gaps: readonly string[];
}

/** A secret that was planted for this run. It travels in the history, and so must be one that is good for nothing else. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** A Kafka record as it lies there. */
export interface TopicRecord {
  /** Without the prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer | null;
  /** When the log took it, milliseconds since 1970 by the broker's clock. */
  readonly at: number;
}

export interface Place {
  readonly service: string;
  /** Without the prefix. */
  readonly topic: string;
  readonly partition: number;
  /** What the group had committed; -1 where nothing ever was. */
  readonly committed: number;
  /** The first and the next offset of the partition. */
  readonly first: number;
  readonly end: number;
}

/** A table of a service, each row as Postgres' `to_jsonb` has it: times as text, `bytea` as `\x…`, numbers of any size as they are. */
export interface Table {
  readonly service: string;
  readonly name: string;
  readonly rows: readonly Row[];
}

export type Row = Readonly<Record<string, unknown>>;

export interface DockerHistory {
  /** What the Engine said, as it said it, for containers that carry the installation's label; each once, in order. */
  readonly events: readonly DockerEvent[];
  /** Spans of which the Engine remembered nothing when it was heard again, in order. */
  readonly gaps: readonly DockerGap[];
  /** Every container that was seen at any look, as it was at the last one. */
  readonly containers: readonly Container[];
  /** `docker inspect` and `docker history` of images and containers, whole, for who looks for secrets. */
  readonly inspections: readonly Text[];
}

/** Milliseconds by the witness's clock. What was made in it is known only by what was found afterwards. */
export interface DockerGap {
  readonly from: number;
  readonly to: number;
  readonly why: string;
  /** From when on the Engine was not there to do anything, until it came back: it refused every connection. Absent where nobody can say so. */
  readonly awayFrom?: number | undefined;
}

export interface DockerEvent {
  readonly type: string;
  readonly action: string;
  readonly id: string;
  /** Labels, and what else the Engine adds (`name`, `image`, `exitCode`). */
  readonly attributes: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 by the Engine's clock. */
  readonly at: number;
}

export interface Container {
  readonly id: string;
  readonly name: string;
  /** As it was asked for: `repository@sha256:…`. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** What of its host it was given; absent in histories that were kept before this was. */
  readonly host?: {
    readonly memoryBytes: number;
    readonly nanoCpus: number;
    readonly mounts: readonly { readonly source: string; readonly target: string; readonly readOnly: boolean }[];
  };
  /** What of it comes from the image. */
  readonly imageEnv: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  /** At the last look at it. */
  readonly status: string;
  /** True when it was there at the last look of all. */
  readonly there: boolean;
}

export interface RegistryHistory {
  readonly manifests: readonly Manifest[];
  /** Repositories that were asked for. */
  readonly repositories: readonly string[];
}

export interface Manifest {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly body: string;
}

/** One thing a load client did, and what came back. `status` 0: no answer came, and nobody knows. */
export type Seen = SeenPush | SeenDelivery | SeenSignOff | SeenCommand | SeenAnswer;

interface SeenAt {
  /** When it was asked and when the answer came, RFC 3339 by the client's clock. */
  readonly asked: string;
  readonly answered: string;
}

/** A commit or tag that was put into a repository. */
export interface SeenPush extends SeenAt {
  readonly kind: 'push';
  readonly project: string;
  readonly ref: string;
  readonly revision: string;
  /** What it was to come to by what is in it; absent where nobody says. */
  readonly turn?: 'good' | 'does not build' | 'is not verified' | 'does not roll out';
}

/** A webhook's delivery that was sent. */
export interface SeenDelivery extends SeenAt {
  readonly kind: 'delivery';
  readonly project: string;
  readonly delivery: string;
  readonly ref: string | null;
  readonly revision: string | null;
  readonly status: number;
}

export interface SeenSignOff extends SeenAt {
  readonly kind: 'sign-off';
  readonly request: string;
  readonly person: string;
  readonly decision: 'approve' | 'reject';
  readonly status: number;
  readonly answer: string;
}

export interface SeenCommand extends SeenAt {
  readonly kind: 'command';
  /** As the API's path has it: `rollback`, `cancel`, `scale`, … */
  readonly action: string;
  readonly about: string;
  readonly person: string;
  readonly status: number;
  readonly answer: string;
}

/** Any other answer of the API that was worth keeping. */
export interface SeenAnswer extends SeenAt {
  readonly kind: 'answer';
  readonly what: string;
  readonly status: number;
  readonly answer: string;
}

export interface RepositoryHistory {
  readonly project: string;
  readonly system: 'git' | 'svn';
  /** Every commit of every ref, and of those that a push took away as long as the repository has them. */
  readonly commits: readonly RepositoryCommit[];
  /** Where each ref stood when the run was over. */
  readonly refs: Readonly<Record<string, string>>;
}

export interface RepositoryCommit {
  readonly revision: string;
  readonly parents: readonly string[];
  readonly author: Identity;
  readonly committer: Identity | null;
  readonly message: string;
}

export interface Identity {
  readonly name: string;
  readonly email: string | null;
}

export interface Text {
  /** Where it was found, for people: `log of approval-2`, `docker history of …`. */
  readonly where: string;
  /** What it is, where that is counted apart: a process's log, a blob of an image, what a page or the API shows, what a list of processes shows of one program. */
  readonly is?: 'log' | 'layer' | 'page' | 'process';
  readonly text: string;
}
