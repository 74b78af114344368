import type { Consumer, Kafka, Batch as KafkajsBatch } from 'kafkajs';
import type { Logger } from 'pino';
import type { ConsumeOptions, TopicPartition } from '../event-log.js';
import { nameOf } from '../name-of.js';
import { backOff, pause } from '../trouble.js';
import { withAdmin } from './kafkajs-topics.js';

const commitMs = 1_000;

type Batch = Pick<KafkajsBatch, 'topic' | 'partition' | 'messages' | 'highWatermark' | 'firstOffset' | 'lastOffset'>;
/** What kafkajs tells of a batch it dealt with by itself. */
type Passed = TopicPartition & { readonly lastOffset: string; readonly highWatermark: string };

/** How far a member has come in each partition: where it starts, what it tells Kafka, what is left. */
export class Places {
  private life = 0;
  private mine: readonly TopicPartition[] = [];
  private positioned: Promise<void> = Promise.resolve();
  private isPositioned = true;
  private readonly next = new Map<string, TopicPartition & { offset: string }>();
  private readonly behind = new Map<string, { topic: string; records: number }>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly kafka: Kafka,
    private readonly consumer: Consumer,
    private readonly options: ConsumeOptions,
    private readonly logger: Logger,
  ) {}

  /** The group gave us these. Where our own record of them is behind Kafka's, we go back there. */
  assigned(partitions: readonly TopicPartition[]): void {
    this.mine = partitions;
    this.begin(false);
  }

  /** Our own record may be another one now: goes to where it says, whatever Kafka has of us. */
  reposition(): void {
    this.begin(true);
  }

  private begin(anyway: boolean): void {
    const partitions = this.mine;
    this.life++;
    this.next.clear();
    this.behind.clear();
    this.isPositioned = false;
    const life = this.life;
    this.positioned = this.position(partitions, life, anyway).then(() => {
      if (life === this.life) this.isPositioned = true;
    });
  }

  /** Waits, beating, until it is known where to start. False when the batch is to be left. */
  async ready(beat: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    const life = this.life;
    while (!this.isPositioned && !signal.aborted && life === this.life && !this.stopped) {
      await Promise.race([this.positioned, pause(500, signal)]);
      await beat();
    }
    return this.isPositioned && life === this.life && !signal.aborted;
  }

  /**
   * One batch of one partition, in this life of the assignment. All of it is behind until it is done: one that hangs shall show. The last record is done
   * with all that comes after it in the batch and is not for us: what was aborted, and the marks of transactions.
   */
  open(batch: Batch): { isOver(): boolean; done(offset: string): void } {
    const life = this.life;
    const { topic, partition, messages, highWatermark: end } = batch;
    const at = nameOf({ topic, partition });
    const [first, last, lastOfAll] = [batch.firstOffset(), messages.at(-1)?.offset, batch.lastOffset()];
    if (first !== null) this.behind.set(at, { topic, records: Math.max(0, Number(BigInt(end) - BigInt(first))) });
    return {
      isOver: () => life !== this.life,
      done: (offset) => this.reached({ topic, partition }, offset === last ? lastOfAll : offset, end),
    };
  }

  /** There was nothing in a batch that is for us. */
  passed({ topic, partition, lastOffset, highWatermark }: Passed): void {
    if (this.isPositioned) this.reached({ topic, partition }, lastOffset, highWatermark);
  }

  private reached({ topic, partition }: TopicPartition, offset: string, end: string): void {
    const at = nameOf({ topic, partition });
    const next = BigInt(offset) + 1n;
    this.next.set(at, { topic, partition, offset: next.toString() });
    this.behind.set(at, { topic, records: Math.max(0, Number(BigInt(end) - next)) });
    this.timer ??= setTimeout(() => void this.commit(), commitMs).unref();
  }

  lag(): Map<string, number> {
    const lag = new Map<string, number>(this.options.topics.map((topic) => [topic, 0]));
    for (const { topic, records } of this.behind.values()) lag.set(topic, (lag.get(topic) ?? 0) + records);
    return lag;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.race([this.commit(), pause(2_000)]);
    clearTimeout(this.timer);
  }

  /** A hint for whoever gets the partition next; the truth is stored with the handlers' work, so an error here costs nothing. */
  private async commit(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const life = this.life;
    const offsets = [...this.next.values()];
    if (offsets.length === 0) return;
    this.next.clear();
    try {
      await this.consumer.commitOffsets(offsets);
    } catch (error) {
      this.logger.debug({ err: error }, 'offsets were not committed');
      if (life !== this.life || this.stopped) return;
      for (const each of offsets) {
        const at = nameOf(each);
        if (!this.next.has(at)) this.next.set(at, each);
      }
      this.timer ??= setTimeout(() => void this.commit(), commitMs).unref();
    }
  }

  private async position(partitions: readonly TopicPartition[], life: number, anyway: boolean): Promise<void> {
    if (!this.options.positions || partitions.length === 0) return;
    for (let attempt = 1; life === this.life && !this.stopped; attempt++) {
      try {
        const stored = new Map((await this.options.positions(partitions)).map((each) => [nameOf(each), each.next]));
        const committed = await this.committed([...new Set(partitions.map(({ topic }) => topic))]);
        if (life !== this.life) return;
        if (!anyway) await this.startOver(partitions.filter((of) => stored.has(nameOf(of)) && !isPlace(committed.get(nameOf(of)))));
        if (life !== this.life) return;
        for (const { topic, partition } of partitions) {
          // No record of a partition means that nothing of it was handled here: a database older than its first event is behind as well.
          const next = stored.get(nameOf({ topic, partition })) ?? '0';
          const kafkas = committed.get(nameOf({ topic, partition }));
          // Kafka without an offset starts at the beginning, which is lower than anything.
          if (!anyway && (!isPlace(kafkas) || BigInt(next) >= BigInt(kafkas))) continue;
          if (!anyway)
            this.logger.warn({ topic, partition, stored: next, kafka: kafkas }, 'the database is behind Kafka; reading again from there');
          this.consumer.seek({ topic, partition, offset: next });
        }
        return;
      } catch (error) {
        this.logger.warn({ err: error, attempt }, 'it is not known yet where to start reading');
        await pause(backOff(attempt, 100, 2_000));
      }
    }
  }

  private async startOver(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    this.logger.warn({ partitions }, 'Kafka has no offset of ours where the database has one; reading again from the beginning');
    await this.options.startsOver?.(partitions);
  }

  private async committed(topics: string[]): Promise<Map<string, string>> {
    const offsets = await withAdmin(this.kafka, (admin) => admin.fetchOffsets({ groupId: this.options.group, topics }), 10_000);
    return new Map(
      offsets.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [nameOf({ topic, partition }), offset] as const),
      ),
    );
  }
}

/** Kafka says -1 where it has none. */
const isPlace = (offset: string | undefined): offset is string => offset !== undefined && BigInt(offset) >= 0n;
