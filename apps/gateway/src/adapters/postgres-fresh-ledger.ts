import { Injectable } from '@nestjs/common';
import { Database, identifier, type Tx } from '@slipway/postgres';
import { type Difference, FreshLedger } from '../ports.js';
import { PostgresLedgerBooks } from './postgres-ledger-books.js';

const prefix = 'fresh_';

/** Every table of the ledger: what tells its rows apart, what must be the same, and the release a row is about. */
const books = {
  release: { key: 'id::text', same: 'project, number, phase, environments, born_at, changed_at, about::text, state::text', release: 'id' },
  release_event: { key: "release || ' ' || event_id", same: 'told::text', release: 'release' },
  request: { key: 'id::text', same: 'release, project, environment, state, requested_at, view::text', release: 'release' },
  environment: { key: "project || '/' || environment", same: 'view::text', release: 'null::uuid' },
  command: { key: 'id::text', same: 'service, issued::text', release: 'null::uuid' },
  answer: { key: "answers || ' ' || source", same: 'name, at, data::text', release: 'null::uuid' },
  dead_letter_told: { key: "service || ' ' || place", same: 'at, event_id, data::text', release: 'null::uuid' },
  audit_link: { key: "chain || ' ' || sequence", same: 'link::text', release: 'null::uuid' },
  audit_head: { key: 'chain', same: 'sequence, hash', release: 'null::uuid' },
  audit_conflict: { key: "chain || ' ' || sequence || ' ' || hash", same: 'reason', release: 'null::uuid' },
  source_told: { key: 'project', same: 'at, failing::text', release: 'null::uuid' },
} as const;
type Book = keyof typeof books;
const names = Object.keys(books) as Book[];

/** The books with another name; whoever writes them is alone and holds nobody off. */
class Fresh extends PostgresLedgerBooks {
  protected override readonly at = prefix;

  override async open(): Promise<void> {}

  protected override async holdOff(): Promise<void> {}
}

/** {@link FreshLedger} as tables beside those of the ledger, of the same shape, which are renamed when they take over. */
@Injectable()
export class PostgresFreshLedger extends FreshLedger {
  readonly books: PostgresLedgerBooks;

  constructor(database: Database) {
    super();
    this.books = new Fresh(database);
  }

  async make(tx: Tx): Promise<void> {
    await this.drop(tx);
    for (const book of names) {
      const fresh = prefix + book;
      await tx.query(`create table ${fresh} (like ${book} including defaults)`);
      for (const { name, kind, how } of await indexesOf(tx, book)) {
        const index = identifier(prefix + name);
        await tx.query(`create ${kind === 'plain' ? '' : 'unique '}index ${index} on ${fresh} ${how}`);
        if (kind === 'primary') await tx.query(`alter table ${fresh} add constraint ${index} primary key using index ${index}`);
      }
    }
  }

  async releasesAfter(tx: Tx, release: string | null, limit: number): Promise<readonly string[]> {
    // A step from one release to the next by the index, however many events each has.
    const rows = await tx.query<{ release: string }>(
      `with recursive next(release, nth) as (
         (select release, 1 from ${prefix}release_event where $1::uuid is null or release > $1 order by release limit 1)
         union all
         select (select release from ${prefix}release_event where release > next.release order by release limit 1), nth + 1
         from next where next.release is not null and nth < $2
       ) select release from next where release is not null`,
      [release, limit],
    );
    return rows.map((row) => row.release);
  }

  async analyse(tx: Tx): Promise<void> {
    for (const book of names) await tx.query(`analyze ${prefix}${book}`);
  }

  async takeOver(tx: Tx): Promise<void> {
    // Who reads for long makes us wait, and all who read after us: better to come again.
    await tx.query("set local lock_timeout = '5s'");
    await tx.query(`lock table ${names.join(', ')} in access exclusive mode`);
    // Asked already, but its event has not come back from Kafka.
    await tx.query(
      `insert into ${prefix}command select * from command where issued_at > now() - interval '1 day' on conflict (id) do nothing`,
    );
    for (const book of names) {
      const indexes = await indexesOf(tx, book);
      await tx.query(`drop table ${book}`);
      await tx.query(`alter table ${prefix}${book} rename to ${book}`);
      for (const { name } of indexes) await tx.query(`alter index ${identifier(prefix + name)} rename to ${identifier(name)}`);
    }
  }

  async differences(tx: Tx, limit: number): Promise<{ count: number; some: readonly Difference[] }> {
    await tx.query('set local statement_timeout = 0');
    let count = 0;
    const some: Difference[] = [];
    for (const book of names) {
      const found = await differing(tx, book, limit);
      count += found[0]?.count ?? 0;
      some.push(...found.map(({ key, what, release }) => ({ book, key, what, release })));
    }
    return { count, some };
  }

  async drop(tx: Tx): Promise<void> {
    await tx.query(`drop table if exists ${names.map((book) => prefix + book).join(', ')}`);
  }
}

function differing(tx: Tx, book: Book, limit: number): Promise<(Omit<Difference, 'book'> & { count: number })[]> {
  const { key, same, release } = books[book];
  const rows = (table: string) => `(select ${key} as key, row(${same})::text as row, ${release} as release from ${table})`;
  // A command is in the ledger as soon as it was asked, and in the journal when it came back from Kafka.
  const only = book === 'command' ? 'and fresh.key is not null' : '';
  return tx.query(
    `select key, what, count(*) over ()::int as count,
       (select project || '/' || number from release where id = told.release union all
        select project || '/' || number from ${prefix}release where id = told.release limit 1) as release
     from (
       select coalesce(fresh.key, ledger.key) as key, coalesce(fresh.release, ledger.release) as release,
         case when ledger.key is null then 'missing' when fresh.key is null then 'extra' else 'differs' end as what
       from ${rows(prefix + book)} as fresh full join ${rows(book)} as ledger using (key)
       where fresh.row is distinct from ledger.row ${only}
     ) as told order by key limit $1`,
    [limit],
  );
}

/** The indexes of a table: by what they are, and how they are built (`using btree (…)`). */
async function indexesOf(tx: Tx, table: string): Promise<{ name: string; kind: 'primary' | 'unique' | 'plain'; how: string }[]> {
  return tx.query(
    `select relname as name, case when indisprimary then 'primary' when indisunique then 'unique' else 'plain' end as kind,
       substring(pg_get_indexdef(indexrelid) from ' (USING .*)$') as how
     from pg_index join pg_class on pg_class.oid = indexrelid where indrelid = to_regclass($1) order by relname`,
    [table],
  );
}
