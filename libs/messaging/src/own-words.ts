import type { Service } from '@slipway/contracts';
import type { Trust } from '@slipway/identity';
import { type Database, Refused, type Witness } from '@slipway/postgres';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import { verified } from './envelope.js';
import type { EventLog, InRecord, Place, Stretch } from './event-log.js';
import { backOff, pause } from './trouble.js';

/** This service said something that its database does not know: the database is older than what others have heard. */
export class DatabaseOlder extends Refused {
  override readonly name = 'DatabaseOlder';
}

export interface OwnWordsParts {
  readonly service: Service;
  readonly database: Database;
  readonly log: EventLog;
  readonly trust: Trust;
  readonly logger: Logger;
  /** Before the name of every consumer group. */
  readonly prefix: string;
  /** Every topic this service says something in by way of its outbox, as it is called here. */
  readonly topics: readonly string[];
  /** Told when the database is known to be older, and when another one took its place. */
  readonly older: (older: boolean) => void;
  /** Another database, or the same one after a restart, was let in while we worked: what it knows of may have changed. */
  readonly changed: () => void;
}

/** An event of ours that was said at least so long ago may have left the outbox: SLIPWAY_KEEP_OUTBOX_DAYS is a day or more. */
const keptAtLeast = "interval '23 hours'";

const atOnce = 500;
/** While the database is older, it is looked so often, in ms, whether another one has taken its place. */
const lookAgainMs = 5_000;

/**
 * What this service said, as Kafka has it, held against what its database knows (docs/adr/0020). A database that was set back, by an old backup or by
 * fail-over to a server that had not got everything, would give out numbers, requests and grants a second time; so nobody works with it.
 */
export class OwnWords {
  private readonly stopped = new AbortController();
  private stands = false;
  /** Why nobody may work yet. */
  trouble: string | undefined = 'it is not known yet whether the database knows all that was said';

  constructor(private readonly parts: OwnWordsParts) {}

  /** Resolves when the database is known to know all that was said, and from then on lets no other one in; or when stopped. */
  async stand(): Promise<void> {
    const { database, logger } = this.parts;
    for (let attempt = 1; !this.stopped.signal.aborted; attempt++) {
      try {
        await database.admit((witness) => this.judge(witness));
        this.stands = true;
        return;
      } catch (error) {
        if (error instanceof DatabaseOlder) await pause(lookAgainMs, this.stopped.signal);
        else {
          if (attempt % 10 === 3) logger.warn({ err: error }, 'it is not known yet whether the database knows all that was said');
          await pause(backOff(attempt, 100, lookAgainMs), this.stopped.signal);
        }
      }
    }
  }

  /** Whether it was found that something may be said and worked on. */
  get letIn(): boolean {
    return this.stands;
  }

  stop(): void {
    this.stopped.abort();
  }

  private async judge(witness: Witness): Promise<void> {
    const { logger, older, changed } = this.parts;
    try {
      const places = await this.check(witness);
      await keep(witness, places);
      const [set] = await witness.query<{ value: string }>(`select current_setting('synchronous_commit') as value`);
      if (set?.value === 'off')
        logger.warn(
          'synchronous_commit is off in Postgres: if it crashes it forgets what others have heard, and nothing is done any more; set it to on',
        );
    } catch (error) {
      const known = this.trouble;
      this.trouble = error instanceof Error ? error.message : String(error);
      if (error instanceof DatabaseOlder) {
        older(true);
        if (this.trouble !== known) logger.fatal({ err: error }, error.message);
      }
      throw error;
    }
    this.trouble = undefined;
    older(false);
    if (this.stands) changed();
  }

  /** Where everything is known up to. @throws DatabaseOlder */
  private async check(witness: Witness): Promise<Place[]> {
    const { log, service, prefix, topics } = this.parts;
    // In this order: what a replica says meanwhile is then beyond the place, never the place beyond the end.
    const known = await witness.query<Place>('select topic, "partition", next::text from said_place where topic = any($1)', [topics]);
    const ends = await log.ends(topics);
    const stretches = ends.map((end) => unread(end, known.find(sameAs(end))?.next)).filter(({ from, to }) => BigInt(from) < BigInt(to));
    await log.readOnce({
      group: `${prefix}${service}.said.${v7()}`,
      stretches,
      onBatch: (records) => this.recognize(records, witness),
      signal: this.stopped.signal,
    });
    return ends
      .filter((end) => known.find(sameAs(end))?.next !== end.to)
      .map(({ topic, partition, to }) => ({ topic, partition, next: to }));
  }

  /** @throws DatabaseOlder at the first event that is ours and not known. */
  private async recognize(records: readonly InRecord[], witness: Witness): Promise<void> {
    const mine = records.filter(({ headers }) => headers['ce_source'] === this.parts.service && saysEnough(headers));
    for (let at = 0; at < mine.length; at += atOnce) {
      const some = mine.slice(at, at + atOnce);
      const unknown = new Set((await strangers(witness, some)).map(({ at: which }) => which));
      // Signatures only of these: anybody may write our name on something, and few records are unknown.
      const ours = some.find((record, which) => unknown.has(which) && this.isOurs(record));
      if (ours) throw new DatabaseOlder(wordsOf(this.parts.service, ours));
    }
  }

  private isOurs({ headers, value, timestamp }: InRecord): boolean {
    const { service, trust } = this.parts;
    return value !== null && verified(headers, value, trust, { service, at: new Date(timestamp) }).ok;
  }
}

const sameAs =
  (end: Stretch) =>
  ({ topic, partition }: Place): boolean =>
    topic === end.topic && partition === end.partition;

/** From where everything is known on. A place beyond the end is of another topic of this name, one before the beginning of what was deleted since. */
function unread(end: Stretch, next: string | undefined): Stretch {
  const inside = next !== undefined && BigInt(next) >= BigInt(end.from) && BigInt(next) <= BigInt(end.to);
  return inside ? { ...end, from: next } : end;
}

/** Of the year 9999, in ms: Postgres has no year 0, and what is later is no time of four digits. Anybody may write such a time under our name. */
const endOfTime = Date.UTC(9999, 11, 31);

/** Whether it has all that an event of an outbox has, in a form Postgres can be asked about. */
function saysEnough(headers: InRecord['headers']): boolean {
  const { ce_id: id = '', ce_subject: subject = '', ce_sequence: sequence = '', ce_time: time = '' } = headers;
  const isText = (text: string) => text.length > 0 && text.length <= 500 && !text.includes('\0');
  const at = Date.parse(time);
  return isText(id) && isText(subject) && /^[0-9]{1,15}$/.test(sequence) && /^\d{4}-/.test(time) && at > 0 && at < endOfTime;
}

/**
 * Those of the records that this database does not know. Nothing leaves the outbox within a day; of what is older its number is enough. The number alone
 * would not do for what is young: a database that was set back gives the same numbers out again.
 */
async function strangers(witness: Witness, records: readonly InRecord[]): Promise<{ at: number }[]> {
  const all = (name: string) => records.map(({ headers }) => headers[name] ?? '');
  return await witness.query<{ at: number }>(
    `select (said.at - 1)::int as at
     from unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) with ordinality as said (id, key, number, time, at)
     where not exists (select 1 from outbox o where o.event_id = said.id)
       and not (said.time::timestamptz < now() - ${keptAtLeast}
         and exists (select 1 from sequence s where s.key = said.key and s.last >= said.number))
     order by said.at`,
    [all('ce_id'), all('ce_subject'), all('ce_sequence'), all('ce_time').map((time) => new Date(time).toISOString())],
  );
}

/** Whatever is before these places needs no second look. */
async function keep(witness: Witness, places: readonly Place[]): Promise<void> {
  if (places.length === 0) return;
  await witness.query(
    `insert into said_place (topic, "partition", next)
     select * from unnest($1::text[], $2::int[], $3::bigint[]) as place (topic, "partition", next) order by 1, 2
     on conflict (topic, "partition") do update set next = excluded.next`,
    [places.map(({ topic }) => topic), places.map(({ partition }) => partition), places.map(({ next }) => next)],
  );
}

function wordsOf(service: Service, { topic, partition, offset, headers }: InRecord): string {
  const event = `${headers['ce_type']} ${headers['ce_id']} about ${headers['ce_subject']}`;
  // What to do comes first: a line of doctor is cut where it gets long.
  return (
    `the database is older than what ${service} has said, so nothing is done: give it empty topics by another SLIPWAY_TOPIC_PREFIX, or bring back one that knows ` +
    `more (docs/guides/backup-and-restore.md). It does not know ${event}, said ${headers['ce_time']}, at ${offset} of ${topic}/${partition}`
  );
}
