import type { Service } from '@slipway/contracts';
import type { Signer } from '@slipway/identity';
import { prepared, type Tx } from '@slipway/postgres';
import { type Attributes, headersOf, signed } from './envelope.js';

/** An event on its way into the outbox; its sequence is known only there. */
export interface Unsent {
  readonly topic: string;
  readonly shard: number;
  readonly attributes: Omit<Attributes, 'sequence'>;
  readonly value: string;
  /** Who must say something because of it. */
  readonly owedBy: readonly Service[];
}

/** How many keys we remember the last sequence of. A forgotten one costs one more round trip. */
const mostKeys = 20_000;

/** Writes said events into the outbox of a transaction, numbered per key and signed, in one round trip as a rule. */
export class Outbox {
  private readonly lastOf = new Map<string, number>();

  constructor(
    private readonly signer: Signer,
    private readonly firstResendMs: number,
  ) {}

  /**
   * The row of `sequence` is locked until the transaction ends, so the ids of one key are given in commit order, and the relay, which
   * goes by id, keeps that order. What the last sequence was is guessed from what this process wrote last; where the guess is wrong (another
   * replica wrote meanwhile) nothing is inserted and the second statement asks.
   */
  async insert(tx: Tx, events: readonly Unsent[]): Promise<void> {
    if (events.length === 0) return;
    const steps = new Map<string, number>();
    for (const { attributes } of events) steps.set(attributes.subject, (steps.get(attributes.subject) ?? 0) + 1);
    // One order for everybody, or two transactions that say something about the same two keys lock each other up.
    const keys = [...steps.keys()].sort();
    const before = new Map(keys.map((key) => [key, this.lastOf.get(key) ?? 0]));
    const won = await this.guess(tx, keys, steps, before, await this.rowsOf(events, before));
    const lost = keys.filter((key) => !won.has(key));
    if (lost.length > 0) {
      for (const [key, last] of await this.reserve(tx, lost, steps)) before.set(key, last - (steps.get(key) as number));
      await tx.query(insertNumbered, this.params(await this.rowsOf(events, before)));
    }
    tx.afterCommit(() => {
      for (const key of keys) this.remember(key, (before.get(key) as number) + (steps.get(key) as number));
    });
  }

  private async guess(tx: Tx, keys: string[], steps: Map<string, number>, before: Map<string, number>, rows: Row[]): Promise<Set<string>> {
    const lasts = keys.map((key) => (before.get(key) as number) + (steps.get(key) as number));
    const values = [...this.params(rows), keys, lasts, keys.map((key) => steps.get(key))];
    const moved = await tx.query<{ key: string }>(insertIfGuessed, values);
    return new Set(moved.map(({ key }) => key));
  }

  /** Only those whose guess failed: the others are numbered already. */
  private async reserve(tx: Tx, keys: string[], steps: Map<string, number>): Promise<[string, number][]> {
    const rows = await tx.query<{ key: string; last: string }>(
      `insert into sequence (key, last, step) select key, step, step from unnest($1::text[], $2::int[]) as wanted (key, step)
       on conflict (key) do update set last = sequence.last + excluded.step, step = excluded.step returning key, last`,
      [keys, keys.map((key) => steps.get(key))],
    );
    return rows.map(({ key, last }) => [key, Number(last)]);
  }

  private async rowsOf(events: readonly Unsent[], before: ReadonlyMap<string, number>): Promise<Row[]> {
    const at = new Map(before);
    return await Promise.all(
      events.map(async (event) => {
        const sequence = (at.get(event.attributes.subject) as number) + 1;
        at.set(event.attributes.subject, sequence);
        const headers = headersOf({ ...event.attributes, sequence });
        return { event, headers: JSON.stringify(await signed(headers, Buffer.from(event.value, 'utf8'), this.signer)) };
      }),
    );
  }

  private params(rows: Row[]): unknown[] {
    const events = rows.map(({ event }) => event);
    return [
      events.map((event) => event.attributes.id),
      events.map((event) => event.topic),
      events.map((event) => event.attributes.subject),
      events.map((event) => event.shard),
      rows.map(({ headers }) => headers),
      events.map((event) => event.value),
      events.map((event) => event.attributes.causationId ?? null),
      JSON.stringify(
        events.flatMap(({ attributes, owedBy }) => owedBy.map((service) => ({ event: attributes.id, service, ms: this.firstResendMs }))),
      ),
    ];
  }

  private remember(key: string, last: number): void {
    this.lastOf.delete(key);
    this.lastOf.set(key, last);
    if (this.lastOf.size > mostKeys) this.lastOf.delete(this.lastOf.keys().next().value as string);
  }
}

interface Row {
  readonly event: Unsent;
  readonly headers: string;
}

const insertRows = `with said as (
  insert into outbox (event_id, topic, key, shard, headers, value, causation_id)
  select event_id, topic, key, shard, headers::jsonb, value, causation_id
  from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::text[])
    with ordinality as said (event_id, topic, key, shard, headers, value, causation_id, at) /* when */ order by at
  returning event_id
), owed as (
  insert into handoff (event_id, service, next_at)
  select owed.event, owed.service, now() + make_interval(secs => owed.ms / 1000.0)
  from jsonb_to_recordset($8::jsonb) as owed (event text, service text, ms float8) join said on said.event_id = owed.event
)`;

const insertIfGuessed = prepared(`with moved as (
  insert into sequence (key, last, step) select * from unnest($9::text[], $10::bigint[], $11::int[])
  on conflict (key) do update set last = excluded.last, step = excluded.step where sequence.last = excluded.last - excluded.step
  returning key
), ${insertRows.slice('with '.length).replace('/* when */', 'where (select count(*) from moved) = cardinality($9::text[])')}
select key from moved`);

const insertNumbered = prepared(`${insertRows} select count(*) from said`);
