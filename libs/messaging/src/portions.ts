import type { Service } from '@slipway/contracts';
import type { InRecord } from './event-log.js';
import { type ReaderOptions, type Reading, read } from './reading.js';
import type { Handler } from './received.js';

export type Event = Extract<Reading, { is: 'event' }>;
export type Newer = Extract<Reading, { is: 'newer' }>;
export type Poison = Extract<Reading, { is: 'poison' }>;

/** A record and what it turned out to be. */
export interface Read<R extends Reading = Reading> {
  readonly record: InRecord;
  readonly reading: R;
}

/** Records that follow one another and are dealt with in one go. `record` is the last of them. */
export type Portion =
  | { readonly is: 'passing'; readonly record: InRecord; readonly answers: readonly { service: Service; causationId: string }[] }
  | { readonly is: 'one'; readonly record: InRecord; readonly reading: Event | Newer | Poison }
  | { readonly is: 'many'; readonly record: InRecord; readonly handler: Required<Handler>; readonly all: readonly Read<Event>[] };

/** So many events go into one transaction, at most … */
const mostEvents = 100;
/** … and so much of them. */
const mostBytes = 2_000_000;

/** Cuts records of one partition into portions, in their order; what is left when nobody asks for the next one was not read. */
export function* portionsOf(
  records: readonly InRecord[],
  // biome-ignore lint/suspicious/noExplicitAny: each handler is of its own event
  { reader, handlers }: { readonly reader: ReaderOptions; readonly handlers: ReadonlyMap<string, Handler<any>> },
): Generator<Portion> {
  let passing: Extract<Portion, { is: 'passing' }> | undefined;
  let gathering: Gathering | undefined;
  for (const record of records) {
    const reading = read(record, reader);
    const passes = reading.is === 'ignored' || reading.is === 'answer';
    if (passing && !passes) yield passing;
    if (gathering?.takes(record, reading, handlers)) continue;
    if (gathering) yield gathering.portion();
    gathering = undefined;
    if (passes) {
      const answers: readonly { service: Service; causationId: string }[] = passing?.answers ?? [];
      passing = { is: 'passing', record, answers: reading.is === 'answer' ? [...answers, reading] : answers };
      continue;
    }
    passing = undefined;
    const handler = reading.is === 'event' ? handlers.get(reading.event.name) : undefined;
    if (reading.is === 'event' && canMany(handler)) gathering = new Gathering(handler, { record, reading });
    else yield { is: 'one', record, reading };
  }
  if (passing) yield passing;
  if (gathering) yield gathering.portion();
}

/** Events for one handler, one after the other, each id once: what came twice is looked up in the inbox. */
class Gathering {
  private readonly all: Read<Event>[];
  private readonly ids: Set<string>;
  private bytes: number;

  constructor(
    private readonly handler: Required<Handler>,
    first: Read<Event>,
  ) {
    this.all = [first];
    this.ids = new Set([idOf(first.reading)]);
    this.bytes = first.record.value?.length ?? 0;
  }

  takes(record: InRecord, reading: Reading, handlers: ReadonlyMap<string, Handler>): boolean {
    if (reading.is !== 'event' || handlers.get(reading.event.name) !== this.handler) return false;
    const bytes = this.bytes + (record.value?.length ?? 0);
    if (this.ids.has(idOf(reading)) || this.all.length >= mostEvents || bytes > mostBytes) return false;
    this.all.push({ record, reading });
    this.ids.add(idOf(reading));
    this.bytes = bytes;
    return true;
  }

  portion(): Portion {
    const { record, reading } = this.all.at(-1) as Read<Event>;
    if (this.all.length === 1) return { is: 'one', record, reading };
    return { is: 'many', record, handler: this.handler, all: this.all };
  }
}

function canMany(handler: Handler | undefined): handler is Required<Handler> {
  return handler?.handleAll !== undefined;
}

function idOf({ from }: Event): string {
  return `${from.source} ${from.id}`;
}
