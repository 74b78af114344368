import { Injectable } from '@nestjs/common';
import { services } from '@slipway/contracts';
import type { Received } from '@slipway/messaging';
import { advisoryNumber, Database, identifier, prepared, type Tx } from '@slipway/postgres';
import type { Scope } from '../domain/event-scope.js';
import { Journal, type JournalRow, type JournalScope } from '../ports.js';

const monthsAhead = 2;
const columns = 'seq::text, received_at as "receivedAt", headers, value, project, release';

const appended = prepared(`with turn as materialized (select pg_advisory_xact_lock($1))
insert into journal (seq, event_id, name, source, subject, project, release, headers, value)
select nextval('journal_seq'), event_id, name, source, subject, project, release, headers::json, value from turn, (
  select * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::bytea[])
    with ordinality as said (event_id, name, source, subject, project, release, headers, value, nth) order by nth
) as said`);

/** {@link Journal} as a table in monthly partitions. */
@Injectable()
export class PostgresJournal extends Journal {
  private readonly key: string;

  constructor(private readonly database: Database) {
    super();
    this.key = advisoryNumber(database.schema, 'journal');
  }

  async append(tx: Tx, all: readonly { event: Received; scope: Scope }[]): Promise<void> {
    await tx.query(appended, [
      this.key,
      all.map(({ event }) => event.id),
      all.map(({ event }) => event.name),
      all.map(({ event }) => event.source),
      all.map(({ event }) => event.subject),
      all.map(({ scope }) => scope.project),
      all.map(({ scope }) => scope.release),
      all.map(({ event }) => JSON.stringify(event.raw.headers)),
      all.map(({ event }) => event.raw.value),
    ]);
  }

  async after(seq: string, limit: number, only: JournalScope): Promise<readonly JournalRow[]> {
    return this.database.query<JournalRow>(
      `select ${columns} from journal
       where seq > $1 and ($3::text[] is null or project = any($3)) and ($4::uuid is null or release = $4)
         and (not $5 or project is not null)
       order by journal.seq limit $2`,
      [seq, limit, only.projects ?? null, only.release ?? null, only.ofProjects ?? false],
    );
  }

  async within(tx: Tx, seq: string, limit: number): Promise<readonly JournalRow[]> {
    return tx.query<JournalRow>(`select ${columns} from journal where seq > $1 order by journal.seq limit $2`, [seq, limit]);
  }

  async saidBecause(service: string, cause: string, seq: string, limit: number) {
    const [row] = await this.database.query<{ looked: number; last: string | null }>(
      `select count(*)::int as looked, max(seq) filter (where headers ->> 'ce_causationid' = $2)::text as last
       from (select seq, headers from journal where source = $1 and seq > $3 order by seq limit $4) as said`,
      [service, cause, seq, limit],
    );
    const rows = row?.last
      ? await this.database.query<JournalRow>(`select ${columns} from journal where journal.seq = $1`, [row.last])
      : [];
    return { last: rows[0], whole: (row?.looked ?? 0) < limit };
  }

  async newest(): Promise<{ seq: string; at: Date | null }> {
    const [row] = await this.database.query<{ seq: string; at: Date }>(
      'select seq::text, received_at as at from journal order by journal.seq desc limit 1',
    );
    return row ?? { seq: '0', at: null };
  }

  async bytes(): Promise<number> {
    const [row] = await this.database.query<{ bytes: string }>(
      "select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::text as bytes from pg_inherits where inhparent = to_regclass('journal')",
    );
    return Number(row?.bytes ?? 0);
  }

  async lastHeard(): Promise<ReadonlyMap<string, Date>> {
    const rows = await this.database.query<{ source: string; at: Date }>(
      `select source, at from unnest($1::text[]) as source,
       lateral (select received_at as at from journal where journal.source = source.source order by seq desc limit 1) as last`,
      [services],
    );
    return new Map(rows.map(({ source, at }) => [source, at]));
  }

  async has(names: readonly string[], olderThanSeconds: number): Promise<boolean> {
    const rows = await this.database.query(
      'select 1 from journal where name = any($1) and received_at < now() - make_interval(secs => $2) limit 1',
      [names, olderThanSeconds],
    );
    return rows.length > 0;
  }

  async makePartitions(): Promise<void> {
    const wanted = monthsFrom(new Date());
    const names = wanted.map(({ name }) => name);
    const missing = await this.database.query<{ name: string }>(
      'select name from unnest($1::text[]) as name where to_regclass(name) is null',
      [names],
    );
    if (missing.length === 0) return;
    await this.database.transaction(async (tx) => {
      // "if not exists" alone fails where another replica makes the same at the same time.
      await tx.query('select pg_advisory_xact_lock($1)', [advisoryNumber(this.database.schema, 'journal partitions')]);
      for (const { name, from, to } of wanted) {
        await tx.query(`create table if not exists ${name} partition of journal for values from ('${from}') to ('${to}')`);
      }
    });
  }

  async monthsBefore(months: number): Promise<readonly string[]> {
    const now = new Date();
    const first = nameOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)));
    const rows = await this.database.query<{ name: string }>(
      "select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = to_regclass('journal') order by relname",
    );
    return rows.filter(({ name }) => /^journal_\d{4}_\d{2}$/.test(name) && name < first).map(({ name }) => name.slice(8).replace('_', '-'));
  }

  async *rowsOf(month: string): AsyncIterable<JournalRow> {
    const table = partitionOf(month);
    for (let seq = '0'; ; ) {
      const rows = await this.database.query<JournalRow>(
        `select ${columns} from ${table} as journal where seq > $1 order by journal.seq limit 500`,
        [seq],
      );
      yield* rows;
      const last = rows.at(-1);
      if (!last) return;
      seq = last.seq;
    }
  }

  async dropMonth(month: string, file: { rows: number; sha256: string }): Promise<void> {
    const table = partitionOf(month);
    await this.database.transaction(async (tx) => {
      // Not more yet: who reads the journal has locked it as a whole, and comes to its months next.
      await tx.query(`lock table ${table} in share mode`);
      const [held] = await tx.query<{ rows: string }>(`select count(*)::text as rows from ${table}`);
      if (Number(held?.rows) !== file.rows) throw new Error(`the file of ${month} has ${file.rows} rows, the journal ${held?.rows}`);
      await tx.query('insert into journal_archive (month, rows, sha256) values ($1, $2, $3)', [month, file.rows, file.sha256]);
      await tx.query(`drop table ${table}`);
    });
  }

  async archives(): Promise<readonly { month: string; sha256: string }[]> {
    return this.database.query('select month, sha256 from journal_archive order by month');
  }
}

function nameOf(month: Date): string {
  return identifier(`journal_${month.toISOString().slice(0, 7).replace('-', '_')}`);
}

function partitionOf(month: string): string {
  return identifier(`journal_${month.replace('-', '_')}`);
}

/** This month and those ahead, with their partitions' names. */
function monthsFrom(now: Date): { name: string; from: string; to: string }[] {
  return Array.from({ length: monthsAhead + 1 }, (_, ahead) => {
    const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    const to = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead + 1, 1));
    return { name: nameOf(from), from: from.toISOString(), to: to.toISOString() };
  });
}
