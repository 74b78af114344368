/** A record to be written. `key` decides the partition, and with it what is in order with what. */
export interface OutRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** A record as it was read. Nothing in it is believed yet. */
export interface InRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  /** When the log took it, milliseconds since 1970 by the log's clock. */
  readonly timestamp: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Up to where a partition was written. */
export interface Place extends TopicPartition {
  /** The offset after the last record meant. */
  readonly next: string;
}

/** Some of a partition: from this offset on, up to but without that one. */
export interface Stretch extends TopicPartition {
  readonly from: string;
  readonly to: string;
}

export interface ReadOnceOptions {
  /** For who counts readers; unique. */
  readonly group: string;
  readonly stretches: readonly Stretch[];
  /** Records of one partition in order. What it throws ends the reading. */
  onBatch(records: readonly InRecord[]): Promise<void>;
  readonly signal?: AbortSignal;
}

/** What a batch may ask of the log while it is worked on. */
export interface BatchControl {
  /** Aborted when the partition was taken away, or the consumer stops: leave the batch at once. */
  readonly signal: AbortSignal;
  /** Tells the log that we live; to be called between records and while waiting. Never throws: a lost partition shows in `signal`. */
  beat(): Promise<void>;
  /** Everything up to and including this record is dealt with. */
  done(record: InRecord): void;
}

/** What became of a batch: `again` pauses this partition for so long and reads on from the first record that is not done. */
export type BatchOutcome = { readonly again?: { readonly afterMs: number } };

export interface ConsumeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Partitions worked on at once. Default 4. */
  readonly concurrency?: number;
  /**
   * The next offset we know of for these partitions. The log starts at the lower of that and its own, and at the beginning of one that is
   * not among them. Asked at each assignment.
   */
  positions?(assigned: readonly TopicPartition[]): Promise<readonly Place[]>;
  /**
   * The log has no offset of the group for these, though we know of one: it is another log than the one we read, or has forgotten us. It starts at the
   * beginning, and what we know is void.
   */
  startsOver?(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * Of other members of the group, by the names of their logs, those whose process is known to be gone. The group would wait for them until their sessions
   * have run out; they are shown out instead. Asked while we wait to be let in.
   */
  gone?(members: readonly string[]): Promise<readonly string[]>;
  /** Records of one partition in order. Must not throw: what it throws is a bug and ends the consumer by way of `onDied`. */
  onBatch(records: readonly InRecord[], control: BatchControl): Promise<BatchOutcome>;
  /** The consumer ended for good by itself. The process should end too, so that whoever watches it starts it again. */
  onDied(error: Error): void;
}

/** A running consumer. */
export interface Running {
  /** Finishes the records in hand within `graceMs`, commits, and leaves the group, so that others take over at once. */
  stop(graceMs: number): Promise<void>;
  /** What is stored may be another than it was: reads on from there. */
  reposition(): void;
  /** `lastProgressAt` by `performance.now()`, which nobody can set. */
  health(): { readonly joined: boolean; readonly assigned: number; readonly lastProgressAt: number };
  /** Records not dealt with yet, by topic, as far as the last fetch knew. */
  lag(): ReadonlyMap<string, number>;
}

/** A topic to be made if it is not there. `compact` keeps the last record of each key for ever. */
export interface TopicWanted {
  readonly name: string;
  readonly partitions: number;
  readonly retention: 'compact' | { readonly ms: number };
}

/** A publication that did not happen, or may not have. */
export class PublishFailed extends Error {
  override readonly name = 'PublishFailed';
  constructor(
    /** `unavailable`: the log or the way to it is away, everything may be tried again later. `refused`: something in this batch will never be taken as it is. */
    readonly why: 'unavailable' | 'refused',
    cause: unknown,
  ) {
    super(`publishing failed (${why}): ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** What stands between us and the log until somebody changes a setting or the brokers. */
export type LogRefusal = 'sign-in' | 'mechanism' | 'certificate' | 'client-certificate' | 'tls';

/** The log turned us away, or we it, in a way that time does not cure. The message names the setting to look at and holds no secret. */
export class LogRefused extends Error {
  override readonly name = 'LogRefused';
  constructor(
    readonly why: LogRefusal,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

/** The log the services talk over: Kafka, or one in memory for tests. */
export interface EventLog {
  /** What this process is called as a member of groups: another name than that of any other that lives. */
  readonly name: string;
  /**
   * Writes records in order per key. Resolves when every in-sync replica has all of them, with the place after the last of them in each partition as
   * far as the log told it.
   * @throws PublishFailed; some of the records may have been written.
   */
  publish(records: readonly OutRecord[]): Promise<readonly Place[]>;
  /** The whole of each partition of these topics that there is now. @throws Error when the log is away. */
  ends(topics: readonly string[]): Promise<readonly Stretch[]>;
  /** Reads these stretches once, by nobody's places. @throws what `onBatch` throws, and Error when the log is away. */
  readOnce(options: ReadOnceOptions): Promise<void>;
  /** Waits, at growing intervals, while the log is away. @throws LogRefused */
  consume(options: ConsumeOptions): Promise<Running>;
  /** Makes what is missing, leaves what is there; waits as `consume` does. @throws LogRefused, or Error naming the topics that are missing and may not be made. */
  ensureTopics(topics: readonly TopicWanted[]): Promise<void>;
  health(): { readonly connected: boolean; readonly reason?: string };
  close(): Promise<void>;
}
