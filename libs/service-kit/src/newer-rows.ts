import { type RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';

/** Sealed tables of what others say version by version: projects, targets, people. The key is one column; the others are the version and what is said, as JSON. */
function columnsOf(seals: RowSeals, table: string): [key: string, version: string, said: string] {
  const { key, decides } = seals.tables[table] ?? { key: [], decides: [] };
  const [one, version, said] = [...key, ...decides];
  if (!one || !version || !said) throw new TypeError(`${table} is no table of what is said version by version`);
  return [one, version, said];
}

/** Keeps a row where it is newer than the one that is kept. Whether it was. */
export async function keepNewer(tx: Tx, seals: RowSeals, table: string, row: Readonly<Record<string, unknown>>): Promise<boolean> {
  const [key, version, said] = columnsOf(seals, table);
  const value = row[said];
  const rows = await tx.query(
    `insert into ${table} (${key}, ${version}, ${said}, seal) values ($1, $2, $3, $4)
     on conflict (${key}) do update set ${version} = excluded.${version}, ${said} = excluded.${said}, seal = excluded.seal
     where ${table}.${version} < excluded.${version} returning ${key}`,
    [row[key], row[version], value === null ? null : JSON.stringify(value), seals.of(table, row)],
  );
  return rows.length > 0;
}

/** The row that is kept under this key. @throws RowNotBelieved */
export async function newestRow<R extends object>(tx: Tx, seals: RowSeals, table: string, key: string): Promise<R | undefined> {
  const [name] = columnsOf(seals, table);
  const [row] = await tx.query<R>(`select ${sealedColumns(seals.tables, table)} from ${table} where ${name} = $1`, [key]);
  return row && seals.believed(table, row);
}
