import type { Database } from '@slipway/postgres';
import { Gauge, type Registry } from 'prom-client';

/** Asked for at most this often, in ms, however often we are scraped. */
const freshMs = 30_000;

/**
 * How large every table of the service's schema is, by the statistics of Postgres: counting would read the tables. While the database is
 * away the last figures stay.
 */
export function tableSizes(registry: Registry, database: Database): void {
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const collect = async () => {
    if (performance.now() - readAt < freshMs) return;
    reading ??= refresh()
      .catch(() => undefined)
      .finally(() => (reading = undefined));
    await reading;
  };
  const about = { labelNames: ['table'] as const, registers: [registry], collect };
  const rows = new Gauge({ ...about, name: 'slipway_table_rows', help: 'Rows of a table of this service, about' });
  const bytes = new Gauge({ ...about, name: 'slipway_table_bytes', help: 'Bytes on disk of a table of this service with its indexes' });

  async function refresh(): Promise<void> {
    const tables = await database.query<{ table: string; rows: number; bytes: number }>(
      `select relname as "table", n_live_tup::float8 as rows, pg_total_relation_size(relid)::float8 as bytes
         from pg_stat_user_tables where schemaname = current_schema()`,
    );
    readAt = performance.now();
    for (const { table, rows: count, bytes: size } of tables) {
      rows.set({ table }, count);
      bytes.set({ table }, size);
    }
  }
}
