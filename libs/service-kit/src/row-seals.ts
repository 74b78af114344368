import { type RowNotBelieved, RowSeals, type SealedColumns, type SealedTables, type ServiceKey, sealedColumns } from '@slipway/identity';
import type { Reconciliation } from '@slipway/operations';
import type { Database, Tx } from '@slipway/postgres';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from './logging.js';

/** Rows sealed in one transaction, at most. */
const batch = 200;

type Row = Record<string, unknown>;

/** The seals of a service's rows; each that is not believed is counted and logged. */
export function rowSealsOf(key: ServiceKey, tables: SealedTables, registry: Registry, logger: Logger): RowSeals {
  const counter = new Counter({
    name: 'slipway_rows_not_believed_total',
    help: 'Rows that were looked at and are not what this service wrote: somebody else writes to its tables',
    labelNames: ['table'],
    registers: [registry],
  });
  return new RowSeals(key, tables, (broken: RowNotBelieved) => {
    counter.inc({ table: broken.table });
    logger.error({ table: broken.table, row: broken.id }, broken.message);
  });
}

/**
 * Seals the rows of an installation from before there were seals, as long as its key says that they are believed: all of them once in every process
 * that gets to it, later what the version before has added meanwhile. When no such process runs any more, `slipway keys seals ask` ends it.
 */
export class AdoptingRows implements Reconciliation {
  readonly name = 'adopt-rows';
  readonly everySeconds = 60;
  private looked = false;

  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
    private readonly logger: Logger,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    for (const table of Object.keys(this.seals.tables)) {
      const sealed = await this.adopt(table, signal);
      if (sealed > 0) this.logger.warn({ table, rows: sealed }, 'rows without a good seal were believed and sealed (slipway keys seals)');
    }
    this.looked = true;
  }

  private async adopt(table: string, signal: AbortSignal): Promise<number> {
    let sealed = 0;
    for (let after: unknown[] | undefined; !signal.aborted; ) {
      const page = await this.database.transaction(async (tx) => {
        const rows = await this.page(tx, table, after);
        const open = rows.filter((row) => !this.seals.fits(table, row));
        for (const row of open) await this.seal(tx, table, row);
        return { rows, sealed: open.length };
      });
      sealed += page.sealed;
      const last = page.rows.at(-1);
      if (!last || page.rows.length < batch) break;
      after = this.keyOf(table).map((column) => last[column]);
    }
    return sealed;
  }

  private page(tx: Tx, table: string, after: unknown[] | undefined): Promise<Row[]> {
    const key = this.keyOf(table);
    const names = key.map((column) => `"${column}"`).join(', ');
    const beyond = after ? `(${names}) > (${key.map((_, at) => `$${at + 1}`).join(', ')})` : 'true';
    const { table: rows = table, seal = 'seal' } = this.columns(table);
    const open = this.looked ? `"${seal}" is null` : 'true';
    return tx.query<Row>(
      `select ${sealedColumns(this.seals.tables, table)} from "${rows}" where ${beyond} and ${open} order by ${names} limit ${batch} for update`,
      after ?? [],
    );
  }

  private async seal(tx: Tx, table: string, row: Row): Promise<void> {
    const key = this.keyOf(table);
    const where = key.map((column, at) => `"${column}" = $${at + 2}`).join(' and ');
    const { table: rows = table, seal = 'seal' } = this.columns(table);
    await tx.query(`update "${rows}" set "${seal}" = $1 where ${where}`, [this.seals.of(table, row), ...key.map((column) => row[column])]);
  }

  private keyOf(table: string): readonly string[] {
    return this.columns(table).key;
  }

  private columns(table: string): SealedColumns {
    return this.seals.tables[table] as SealedColumns;
  }
}
