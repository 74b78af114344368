import type {
  BatchControl,
  ConsumeOptions,
  EventLog,
  InRecord,
  OutRecord,
  Place,
  ReadOnceOptions,
  Running,
  Stretch,
  TopicPartition,
  TopicWanted,
} from '../event-log.js';
import { PublishFailed } from '../event-log.js';
import { nameOf } from '../name-of.js';
import { pause } from '../trouble.js';
import { partitionOf } from './partition-of.js';

const atOnce = 500;

/** A log in the memory of one process, for tests: partitions, groups, rebalancing and the lower of two offsets as Kafka has them. Nothing is durable. */
export class InMemoryEventLog implements EventLog {
  readonly name = 'in-memory';
  private readonly topics = new Map<string, InRecord[][]>();
  private readonly groups = new Map<string, Group>();
  private away: string | undefined;

  async publish(records: readonly OutRecord[]): Promise<readonly Place[]> {
    const places = new Map<string, Place>();
    if (this.away) throw new PublishFailed('unavailable', new Error(this.away));
    for (const { topic, value } of records) {
      if (!this.topics.has(topic)) throw new PublishFailed('unavailable', new Error(`there is no topic ${topic}`));
      if (value.length > 1_000_000) throw new PublishFailed('refused', new Error('the record is too large'));
    }
    for (const { topic, key, value, headers } of records) {
      const partitions = this.topics.get(topic) as InRecord[][];
      const partition = partitionOf(key, partitions.length);
      const log = partitions[partition] as InRecord[];
      log.push({ topic, partition, offset: String(log.length), key, value, headers: { ...headers }, timestamp: Date.now() });
      places.set(nameOf({ topic, partition }), { topic, partition, next: String(log.length) });
    }
    this.wakeAll();
    return [...places.values()];
  }

  async ends(topics: readonly string[]): Promise<readonly Stretch[]> {
    if (this.away) throw new Error(this.away);
    return topics.flatMap((topic) =>
      (this.topics.get(topic) ?? []).map((log, partition) => ({ topic, partition, from: '0', to: String(log.length) })),
    );
  }

  async readOnce({ stretches, onBatch }: ReadOnceOptions): Promise<void> {
    if (this.away) throw new Error(this.away);
    for (const { topic, partition, from, to } of stretches) {
      const records = (this.topics.get(topic)?.[partition] ?? []).slice(Number(from), Number(to));
      for (let at = 0; at < records.length; at += atOnce) await onBatch(records.slice(at, at + atOnce));
    }
  }

  async ensureTopics(topics: readonly TopicWanted[]): Promise<void> {
    for (const { name, partitions } of topics) {
      if (!this.topics.has(name))
        this.topics.set(
          name,
          Array.from({ length: partitions }, () => []),
        );
    }
  }

  async consume(options: ConsumeOptions): Promise<Running> {
    const missing = options.topics.filter((topic) => !this.topics.has(topic));
    if (missing.length > 0) throw new Error(`missing topics: ${missing.join(', ')}`);
    const group = this.groups.get(options.group) ?? new Group();
    this.groups.set(options.group, group);
    const member = new Member(options, this.topics, group);
    group.members.push(member);
    await group.rebalance(this.topics);
    return {
      stop: async () => {
        await member.stop();
        group.members.splice(group.members.indexOf(member), 1);
        await group.rebalance(this.topics);
      },
      reposition: () => void group.rebalance(this.topics),
      health: () => ({ joined: true, assigned: member.assigned.length, lastProgressAt: performance.now() }),
      lag: () => member.lag(),
    };
  }

  health(): { connected: boolean; reason?: string } {
    return { connected: this.away === undefined, reason: this.away };
  }

  async close(): Promise<void> {
    for (const group of this.groups.values()) for (const member of [...group.members]) await member.stop();
  }

  /** For tests: the log can't be reached until `comeBack`. */
  goAway(reason = 'the log is away'): void {
    this.away = reason;
  }

  comeBack(): void {
    this.away = undefined;
    this.wakeAll();
  }

  private wakeAll(): void {
    for (const group of this.groups.values()) for (const member of group.members) member.wake();
  }
}

class Group {
  readonly members: Member[] = [];
  readonly committed = new Map<string, number>();

  async rebalance(topics: ReadonlyMap<string, InRecord[][]>): Promise<void> {
    await Promise.all(this.members.map((member) => member.revoke()));
    const shares = this.members.map(() => [] as TopicPartition[]);
    let next = 0;
    for (const topic of new Set(this.members.flatMap(({ options }) => options.topics))) {
      for (let partition = 0; partition < (topics.get(topic)?.length ?? 0); partition++)
        shares[next++ % shares.length]?.push({ topic, partition });
    }
    for (const [at, member] of this.members.entries()) await member.assign(shares[at] ?? []);
  }
}

class Member {
  assigned: TopicPartition[] = [];
  private abort = new AbortController();
  private loops: Promise<void>[] = [];
  private wakers = new Set<() => void>();

  constructor(
    readonly options: ConsumeOptions,
    private readonly topics: ReadonlyMap<string, InRecord[][]>,
    private readonly group: Group,
  ) {}

  wake(): void {
    for (const waker of this.wakers) waker();
    this.wakers.clear();
  }

  async revoke(): Promise<void> {
    this.abort.abort();
    this.wake();
    await Promise.all(this.loops);
  }

  async stop(): Promise<void> {
    await this.revoke();
    this.assigned = [];
  }

  async assign(assigned: TopicPartition[]): Promise<void> {
    this.abort = new AbortController();
    this.assigned = assigned;
    const stored = await this.options.positions?.(assigned);
    const strange = (stored ?? []).filter(({ topic, partition }) => !this.group.committed.has(nameOf({ topic, partition })));
    if (strange.length > 0) await this.options.startsOver?.(strange.map(({ topic, partition }) => ({ topic, partition })));
    this.loops = assigned.map((of) => {
      const known = stored?.find((each) => each.topic === of.topic && each.partition === of.partition);
      const committed = this.group.committed.get(nameOf(of)) ?? 0;
      return this.read(of, stored === undefined ? committed : Math.min(committed, Number(known?.next ?? 0)), this.abort.signal);
    });
  }

  lag(): Map<string, number> {
    const lag = new Map<string, number>();
    for (const { topic, partition } of this.assigned) {
      const end = this.topics.get(topic)?.[partition]?.length ?? 0;
      lag.set(topic, (lag.get(topic) ?? 0) + end - (this.group.committed.get(nameOf({ topic, partition })) ?? 0));
    }
    return lag;
  }

  private async read({ topic, partition }: TopicPartition, from: number, signal: AbortSignal): Promise<void> {
    let next = from;
    while (!signal.aborted) {
      const records = (this.topics.get(topic)?.[partition] ?? []).slice(next, next + atOnce);
      if (records.length === 0) {
        await new Promise<void>((resolve) => this.wakers.add(resolve));
        continue;
      }
      const control: BatchControl = {
        signal,
        beat: async () => undefined,
        done: (record) => {
          next = Number(record.offset) + 1;
          this.group.committed.set(nameOf({ topic, partition }), next);
        },
      };
      try {
        const { again } = await this.options.onBatch(records, control);
        if (again) await pause(again.afterMs, signal);
      } catch (error) {
        this.options.onDied(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
  }
}
