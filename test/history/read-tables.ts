import { type Service, services } from '@slipway/contracts';
import { Database, schemaOf } from '@slipway/postgres';
import type { Row, Table } from './history.ts';

/** Columns whose bytes are in the topics too: their digest is kept in their place, and they themselves only where no topic has them. */
const digested: Readonly<Record<string, { column: string; bytes: string }>> = {
  outbox: { column: 'value', bytes: `convert_to(t.value, 'UTF8')` },
  journal: { column: 'value', bytes: 't.value' },
};
/** The same event for each release it tells of: its name is enough, its data is compared by the journal. */
const shortened: Readonly<Record<string, string>> = {
  release_event: `to_jsonb(t) - 'told' || jsonb_build_object('name', t.told ->> 'name')`,
};

const portion = 5000;

/** Every row of every table of every service, a table at a time; `inTopics` are ids of events that need not be kept twice. */
export async function readTables(databaseUrl: string, inTopics: ReadonlySet<string>): Promise<Table[]> {
  const tables: Table[] = [];
  for (const service of services) {
    const options = { url: databaseUrl, schema: schemaOf(service), applicationName: 'witness', statementTimeoutMs: 120_000, poolSize: 1 };
    const database = await Database.connect(options);
    try {
      for (const name of await namesOf(database)) tables.push({ service, name, rows: await rowsOf(database, service, name, inTopics) });
    } finally {
      await database.close();
    }
  }
  return tables;
}

/** What time it is by its clock, RFC 3339. */
export async function timeIn(databaseUrl: string): Promise<string> {
  const database = await Database.connect({ url: databaseUrl, schema: schemaOf('gateway'), applicationName: 'witness', poolSize: 1 });
  try {
    const [row] = await database.query<{ now: Date }>('select now()');
    return (row?.now ?? new Date()).toISOString();
  } finally {
    await database.close();
  }
}

async function namesOf(database: Database): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
    [database.schema],
  );
  return rows.map(({ name }) => name);
}

/** By `ctid` in portions, for a table may be larger than one answer should be; nothing is written any more when this is asked. */
async function rowsOf(database: Database, service: Service, name: string, inTopics: ReadonlySet<string>): Promise<Row[]> {
  const keeps = digested[name];
  const row =
    keeps === undefined || (name === 'journal' && service !== 'gateway')
      ? (shortened[name] ?? 'to_jsonb(t)')
      : `to_jsonb(t) - '${keeps.column}' || jsonb_build_object('${keeps.column}_sha256', encode(sha256(${keeps.bytes}), 'hex'))`;
  const rows: Row[] = [];
  await database.transaction(async (tx) => {
    await tx.query(`declare everything no scroll cursor for select ${row} as row from ${name} t`);
    for (;;) {
      const some = await tx.query<{ row: Row }>(`fetch ${portion} from everything`);
      for (const { row: each } of some) rows.push(each);
      if (some.length < portion) break;
    }
    await tx.query('close everything');
  });
  return keeps === undefined ? rows : withValues(database, name, keeps, rows, inTopics);
}

async function withValues(
  database: Database,
  name: string,
  { column, bytes }: { column: string; bytes: string },
  rows: Row[],
  inTopics: ReadonlySet<string>,
): Promise<Row[]> {
  const wanted = rows.map((row) => String(row['event_id'])).filter((id) => !inTopics.has(id));
  const found = new Map<string, string>();
  for (let at = 0; at < wanted.length; at += portion) {
    const some = await database.query<{ id: string; value: string }>(
      `select event_id as id, encode(${bytes}, 'base64') as value from ${name} t where event_id = any($1)`,
      [wanted.slice(at, at + portion)],
    );
    for (const { id, value } of some) found.set(id, value);
  }
  return rows.map((row) => {
    const value = found.get(String(row['event_id']));
    return value === undefined ? row : { ...row, [`${column}_base64`]: value.replaceAll('\n', '') };
  });
}
