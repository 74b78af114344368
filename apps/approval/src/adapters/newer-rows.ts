import type { RowSeals } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { sealedTables } from '../sealed-tables.js';

/** Tables of what others say version by version; the first column is the key, the last what is said. */
type Versioned = 'project' | 'target' | 'person';

/** Keeps a row where it is newer than the one that is kept. Whether it was. */
export async function keepNewer(tx: Tx, seals: RowSeals, table: Versioned, row: Readonly<Record<string, unknown>>): Promise<boolean> {
  const [key] = sealedTables[table].key;
  const [version, said] = sealedTables[table].decides;
  const value = row[said];
  const rows = await tx.query(
    `insert into ${table} (${key}, ${version}, ${said}, seal) values ($1, $2, $3, $4)
     on conflict (${key}) do update set ${version} = excluded.${version}, ${said} = excluded.${said}, seal = excluded.seal
     where ${table}.${version} < excluded.${version} returning ${key}`,
    [row[key], row[version], value === null ? null : JSON.stringify(value), seals.of(table, row)],
  );
  return rows.length > 0;
}
