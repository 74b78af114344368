import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';
import type { ServiceKey } from './service-key.js';

/** What a seal is over. */
export interface SealedColumns {
  readonly key: readonly string[];
  readonly decides: readonly string[];
  /** Where the rows are, when it is not the table they are called by: one table may have two seals. */
  readonly table?: string;
  /** The column the seal is in; `seal` when absent. */
  readonly seal?: string;
}

/** What the seals of a service's rows are over, by table. */
export type SealedTables = Readonly<Record<string, SealedColumns>>;

const mostSeen = 20;
/** Rows of one table known to be good, so that many short ones drive out none of another table; more are checked anew. */
const mostKnown = 10_000;

/** A row as a query gives it; jsonb parsed, times as `Date`. */
export type Row = object;

/** A row that this service did not write, or not like this: whoever can write to the table did. Nothing is decided by it. */
export class RowNotBelieved extends Error {
  override readonly name = 'RowNotBelieved';
  /** `id` is the key of the row, for people. */
  constructor(
    readonly table: string,
    readonly id: string,
    why: string,
  ) {
    super(
      `row ${id} of table ${table} is not believed: ${why}. Look into who can write to this database; docs/guides/row-seals.md says how to mend it`,
    );
  }
}

/**
 * Seals the rows a service decides by, so that writing to its tables is not enough to make it decide (design part 4, Trust; docs/adr/0021): an
 * HMAC-SHA256 over the canonical JSON (RFC 8785) of table, key and deciding columns, under a key derived from the service's own, which is the same
 * after a rotation. Whoever loads a row checks it. A seal says that the row was written by this service once, not that it is the newest.
 */
export class RowSeals {
  private readonly secret: Buffer;
  /** False where the key says that rows without a good seal are still believed (an installation from before there were seals). */
  readonly asked: boolean;
  /** What was not believed in this process, by table and row; the newest, for people to read. */
  readonly seen = new Map<string, RowNotBelieved>();
  /** What each row said that was last found good, as a hash, by table. A row is loaded more often than it changes, and long ones take time. */
  private readonly known = new Map<string, Map<string, string>>();

  /** `heard` is told of each row that is not believed; of each table so many rows are remembered to be good. */
  constructor(
    key: Pick<ServiceKey, 'derive' | 'rowSeals'>,
    readonly tables: SealedTables,
    private readonly heard: (broken: RowNotBelieved) => void = () => undefined,
    private readonly most = mostKnown,
  ) {
    this.secret = key.derive('rows');
    this.asked = key.rowSeals === 'asked';
  }

  /** The seal of a row that is about to be written, 43 characters. @throws TypeError where a column that decides is missing. */
  of(table: string, row: Row): string {
    return createHmac('sha256', this.secret).update(this.content(table, row), 'utf8').digest('base64url');
  }

  /** Whether `row.seal` is its seal. */
  fits(table: string, row: Row): boolean {
    const { seal } = row as { seal?: unknown };
    if (typeof seal !== 'string') return false;
    // Nothing was ever sealed that cannot be: a time like `infinity`, which Postgres takes from whoever writes it.
    if (!this.valuesOf(table, row).every(hasJson)) return false;
    const wanted = Buffer.from(this.of(table, row));
    const given = Buffer.from(seal);
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  }

  /** The row, which came with its column `seal`. @throws RowNotBelieved where the seal is missing or another row's. */
  believed<R extends Row>(table: string, row: R): R {
    const broken = this.broken(table, row);
    if (broken) throw broken;
    return row;
  }

  /** Those that are believed, for lists in which one that is not stands for nothing. */
  those<R extends Row>(table: string, rows: readonly R[]): R[] {
    return rows.filter((row) => this.broken(table, row) === undefined);
  }

  private broken(table: string, row: Row): RowNotBelieved | undefined {
    if (!this.asked) return undefined;
    const id = columnsOf(this.tables, table).key.map((column) => String((row as Record<string, unknown>)[column]));
    const name = JSON.stringify([table, ...id]);
    const version = this.versionOf(table, row);
    const known = this.known.get(table) ?? new Map<string, string>();
    if (version !== undefined && known.get(name) === version) return undefined;
    if (this.fits(table, row)) {
      if (version !== undefined) remember(known, name, version, this.most);
      this.known.set(table, known);
      return undefined;
    }
    const why = (row as { seal?: unknown }).seal ? 'its seal is not of what it says' : 'it has no seal';
    const error = new RowNotBelieved(table, id.join(' '), why);
    remember(this.seen, name, error, mostSeen);
    this.heard(error);
    return error;
  }

  /** What the row says and its seal, so that what was once checked is not made canonical again; `undefined` where a value is not what JSON says of it (`infinity`). */
  private versionOf(table: string, row: Row): string | undefined {
    const { seal } = row as { seal?: unknown };
    const values = [...this.valuesOf(table, row), seal ?? null];
    return values.every(hasJson) ? createHash('sha256').update(JSON.stringify(values)).digest('base64') : undefined;
  }

  private content(table: string, row: Row): string {
    return canonicalJson([table, ...this.valuesOf(table, row)]);
  }

  private valuesOf(table: string, row: Row): unknown[] {
    const { key, decides } = columnsOf(this.tables, table);
    return [...key, ...decides].map((column) => {
      const value = (row as Record<string, unknown>)[column];
      if (value === undefined) throw new TypeError(`column ${column} of table ${table} is sealed and was not given`);
      return value;
    });
  }
}

/** Whether JSON says of a column's value what it is: of a number or time without end it says null. */
function hasJson(value: unknown): boolean {
  const number = value instanceof Date ? value.getTime() : value;
  return typeof number !== 'number' || Number.isFinite(number);
}

/** What was set last stays longest. */
function remember<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

/** What a query selects to load sealed rows: every sealed column, and the seal as `seal`. */
export function sealedColumns(tables: SealedTables, table: string): string {
  const { key, decides, seal } = columnsOf(tables, table);
  const names = [...key, ...decides].map((column) => `"${column}"`);
  return [...names, seal === undefined ? 'seal' : `"${seal}" as seal`].join(', ');
}

function columnsOf(tables: SealedTables, table: string): SealedColumns {
  const columns = tables[table];
  if (!columns) throw new TypeError(`${table} is not in the list of sealed tables of this service`);
  return columns;
}
