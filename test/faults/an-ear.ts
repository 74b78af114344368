import { catalog, type DataOf, type EventDefinition } from '@slipway/contracts';
import { type InRecord, KafkajsEventLog, parseType, TopicNames } from '@slipway/messaging';
import { eventually, realParts } from '@slipway/testkit';
import pino from 'pino';
import { v7 } from 'uuid';

/** Hears all that was ever written to the topics of a suite, from offset zero on, as it lies there: an independent record of what happened. */
export class Ear {
  readonly records: InRecord[] = [];
  private readonly byType = new Map<string, InRecord[]>();

  private constructor(private readonly log: KafkajsEventLog) {}

  static async at(topicPrefix: string, brokers = realParts().kafkaBrokers): Promise<Ear> {
    const logger = pino({ level: 'silent' });
    const log = new KafkajsEventLog({ clientId: 'ear', brokers, logger });
    const ear = new Ear(log);
    const topics = new TopicNames(topicPrefix).wanted(4);
    await log.ensureTopics(topics);
    await log.consume({
      group: `${topicPrefix}ear-${v7()}`,
      topics: topics.map(({ name }) => name).filter((name) => name !== `${topicPrefix}logs`),
      onBatch: async (records, control) => {
        for (const record of records) ear.take(record);
        for (const record of records.slice(-1)) control.done(record);
        return {};
      },
      onDied: (error) => logger.error(error),
    });
    return ear;
  }

  /** Writes records as they are, by whoever they claim to be. */
  get publish(): KafkajsEventLog['publish'] {
    return this.log.publish.bind(this.log);
  }

  /** The data of every event of this kind, each id once. */
  all<E extends EventDefinition>(event: E): DataOf<E>[] {
    return once(this.ofType(event)).map((record) => dataOf(event, record));
  }

  /** Waits for an event that fits. */
  async hears<E extends EventDefinition>(event: E, fits: (data: DataOf<E>) => boolean = () => true, within = 30_000): Promise<DataOf<E>> {
    const found = () => this.ofType(event).find((record) => fits(dataOf(event, record)));
    const record = await eventually(() => found() ?? false, { within, every: 10 });
    return dataOf(event, record as InRecord);
  }

  /** Every event, each id once: what was said again is the same event. */
  once(): InRecord[] {
    return once(this.records);
  }

  /** Names of all that was said, each id once. */
  names(): string[] {
    return this.once().map(({ headers }) => parseType(headers['ce_type'])?.name ?? 'nonsense');
  }

  close(): Promise<void> {
    return this.log.close();
  }

  private take(record: InRecord): void {
    this.records.push(record);
    const type = record.headers['ce_type'] ?? '';
    const before = this.byType.get(type);
    if (before) before.push(record);
    else this.byType.set(type, [record]);
  }

  private ofType(event: EventDefinition): readonly InRecord[] {
    return (this.byType.get(event.type) ?? []).filter((record) => isEvent(event, record));
  }
}

function once(records: readonly InRecord[]): InRecord[] {
  const seen = new Set<string>();
  return records.filter(({ headers }) => {
    const id = `${headers['ce_source']} ${headers['ce_id']}`;
    return !seen.has(id) && seen.add(id);
  });
}

/** What was parsed before: an ear looks at each record many times. */
const parsed = new WeakMap<InRecord, { readonly data: unknown } | { readonly why: unknown }>();

/** Whether it is what it says. Whoever attacks the suite writes what is none, under any name. */
function isEvent(event: EventDefinition, record: InRecord): boolean {
  return 'data' in read(event, record);
}

function dataOf<E extends EventDefinition>(event: E, record: InRecord): DataOf<E> {
  const found = read(event, record);
  if ('why' in found) throw found.why;
  return found.data as DataOf<E>;
}

function read({ name }: EventDefinition, record: InRecord): { readonly data: unknown } | { readonly why: unknown } {
  const known = parsed.get(record);
  if (known) return known;
  const found = readNow(name, record);
  parsed.set(record, found);
  return found;
}

function readNow(name: string, { value }: InRecord): { readonly data: unknown } | { readonly why: unknown } {
  try {
    return { data: (catalog.get(name) as EventDefinition).data.parse(JSON.parse(String(value))) };
  } catch (error) {
    return { why: error };
  }
}
