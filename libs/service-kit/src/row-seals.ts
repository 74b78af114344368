import { type RowNotBelieved, RowSeals, type SealedColumns, type SealedTables, type ServiceKey, sealedColumns } from '@slipway/identity';
import type { Reconciliation } from '@slipway/operations';
import type { Database, Tx } from '@slipway/postgres';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Logger } from './logging.js';

/** Rows sealed in one transaction, at most. */
const batch = 200;
/** Rows named in one line of the log, at most. */
const mostNamed = 20;

type Row = Record<string, unknown>;
/** What became of the rows of a table: how many were sealed, and the keys of those that cannot be. */
type Adopted = { sealed: number; readonly left: string[] };

/** The seals of a service's rows; whether they are asked for is told, and each row that is not believed is counted and logged. */
export function rowSealsOf(key: ServiceKey, tables: SealedTables, registry: Registry, logger: Logger): RowSeals {
  const counter = new Counter({
    name: 'slipway_rows_not_believed_total',
    help: 'Rows that were looked at and are not what this service wrote: somebody else writes to its tables',
    labelNames: ['table'],
    registers: [registry],
  });
  const seals = new RowSeals(key, tables, (broken: RowNotBelieved) => {
    counter.inc({ table: broken.table });
    logger.error({ table: broken.table, row: broken.id }, broken.message);
  });
  new Gauge({
    name: 'slipway_row_seals_asked',
    help: 'Whether a row is believed only with its seal (1), or any row is, as after an upgrade from a version without seals (0)',
    registers: [registry],
  }).set(seals.asked ? 1 : 0);
  return seals;
}

/**
 * Seals the rows of an installation from before there were seals, as long as its key says that they are believed: what has no seal at once, and all rows,
 * whose seals the version before leaves as they are when it changes them, at the start and four times an hour. When no such process runs any more and all
 * rows were looked at since, `slipway keys seals ask` ends it.
 */
export class AdoptingRows implements Reconciliation {
  readonly name = 'adopt-rows';
  readonly everySeconds = 60;
  /** When all rows were last looked at to the end; by the clock of the process, in ms. */
  private lookedAt = Number.NEGATIVE_INFINITY;
  /** Where a look at all rows goes on that did not come to its end in time. */
  private reached: { readonly table: string; readonly after: unknown[] } | undefined;
  /** When the look at all rows began that is not at its end. */
  private begun: Date | undefined;

  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
    private readonly logger: Logger,
    private readonly wholeEveryMs = 15 * 60_000,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const whole = performance.now() - this.lookedAt >= this.wholeEveryMs;
    if (whole) this.begun ??= new Date();
    const tables = Object.keys(this.seals.tables);
    const first = this.reached ? tables.indexOf(this.reached.table) : 0;
    for (const [at, table] of tables.entries()) {
      const { sealed, left } = await this.adopt(table, whole && at >= first, signal);
      if (sealed > 0) this.logger.warn({ table, rows: sealed }, 'rows without a good seal were believed and sealed (slipway keys seals)');
      if (left.length > 0)
        this.logger.error(
          { table, rows: left.length, first: left.slice(0, mostNamed) },
          'rows that have no form to seal were left without one: mend or delete them, for no service that asks for seals believes them',
        );
    }
    if (!whole) return;
    // Looks that took several runs began long ago: what counts is that no older version ran since then.
    this.logger.warn(
      { begun: this.begun },
      'all rows were looked at; when no older version runs any more: slipway keys seals ask, and restart',
    );
    this.reached = this.begun = undefined;
    this.lookedAt = performance.now();
  }

  private async adopt(table: string, whole: boolean, signal: AbortSignal): Promise<Adopted> {
    const adopted: Adopted = { sealed: 0, left: [] };
    let after = whole && this.reached?.table === table ? this.reached.after : undefined;
    for (;;) {
      signal.throwIfAborted();
      const rows = await this.database.transaction(async (tx) => {
        const page = await this.page(tx, table, whole, after);
        for (const row of page) if (!this.seals.fits(table, row)) await this.seal(tx, table, row, adopted);
        return page;
      });
      const last = rows.at(-1);
      if (!last || rows.length < batch) return adopted;
      after = this.keyOf(table).map((column) => last[column]);
      if (whole) this.reached = { table, after };
    }
  }

  private page(tx: Tx, table: string, whole: boolean, after: unknown[] | undefined): Promise<Row[]> {
    const key = this.keyOf(table);
    const names = key.map((column) => `"${column}"`).join(', ');
    const beyond = after ? `(${names}) > (${key.map((_, at) => `$${at + 1}`).join(', ')})` : 'true';
    const { table: rows = table, seal = 'seal' } = this.columns(table);
    const open = whole ? 'true' : `"${seal}" is null`;
    return tx.query<Row>(
      `select ${sealedColumns(this.seals.tables, table)} from "${rows}" where ${beyond} and ${open} order by ${names} limit ${batch}`,
      after ?? [],
    );
  }

  /** Read again under a lock: it may have been written anew, with its seal, since. */
  private async seal(tx: Tx, table: string, found: Row, adopted: Adopted): Promise<void> {
    const values = this.keyOf(table).map((column) => found[column]);
    const where = this.keyOf(table)
      .map((column, at) => `"${column}" = $${at + 1}`)
      .join(' and ');
    const { table: rows = table, seal = 'seal' } = this.columns(table);
    const [row] = await tx.query<Row>(`select ${sealedColumns(this.seals.tables, table)} from "${rows}" where ${where} for update`, values);
    if (!row || this.seals.fits(table, row)) return;
    const made = sealOf(this.seals, table, row);
    if (made === undefined) adopted.left.push(values.join(' '));
    else {
      await tx.query(`update "${rows}" set "${seal}" = $${values.length + 1} where ${where}`, [...values, made]);
      adopted.sealed += 1;
    }
  }

  private keyOf(table: string): readonly string[] {
    return this.columns(table).key;
  }

  private columns(table: string): SealedColumns {
    return this.seals.tables[table] as SealedColumns;
  }
}

/** Undefined for what has no JSON form, as a time without end: nothing this service ever wrote. */
function sealOf(seals: RowSeals, table: string, row: Row): string | undefined {
  try {
    return seals.of(table, row);
  } catch {
    return undefined;
  }
}
