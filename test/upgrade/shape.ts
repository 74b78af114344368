import type { Database } from '@slipway/postgres';

/** What a program can trip over in a schema, each by its name: `table.column`, constraint, unique index, view. */
export interface Shape {
  readonly columns: ReadonlyMap<string, Column>;
  /** Checks, keys and unique indexes, by table and definition. */
  readonly rules: ReadonlyMap<string, string>;
  readonly triggers: ReadonlySet<string>;
}

interface Column {
  readonly table: string;
  readonly type: string;
  readonly isNullable: boolean;
  /** It is filled in where nothing is given. */
  readonly hasDefault: boolean;
}

/** The shape of a schema as it is now. */
export async function shapeOf(database: Database, schema: string): Promise<Shape> {
  const columns = await database.query<{ relation: string; name: string; type: string; not_null: boolean; filled: boolean }>(
    `select c.relname as relation, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as not_null,
            (a.atthasdef or a.attidentity <> '' or a.attgenerated <> '') as filled
       from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped`,
    [schema],
  );
  const constraints = await database.query<{ relation: string; definition: string }>(
    `select conrelid::regclass::text as relation, pg_get_constraintdef(oid) as definition from pg_constraint
      where connamespace = $1::regnamespace and conrelid <> 0 and contype in ('c', 'f', 'p', 'u', 'x')`,
    [schema],
  );
  const indexes = await database.query<{ relation: string; definition: string }>(
    `select indrelid::regclass::text as relation, regexp_replace(pg_get_indexdef(indexrelid), 'INDEX \\S+ ON', 'INDEX ON') as definition
       from pg_index join pg_class on pg_class.oid = indexrelid where indisunique and relnamespace = $1::regnamespace`,
    [schema],
  );
  const triggers = await database.query<{ name: string }>(
    `select tgrelid::regclass || ' ' || tgname as name from pg_trigger join pg_class on pg_class.oid = tgrelid
      where relnamespace = $1::regnamespace and not tgisinternal`,
    [schema],
  );
  return {
    columns: new Map(
      columns.map(({ relation, name, type, not_null, filled }) => [
        `${relation}.${name}`,
        { table: relation, type, isNullable: !not_null, hasDefault: filled },
      ]),
    ),
    rules: new Map(
      [...constraints, ...indexes].map(({ relation, definition }) => [`${relation}: ${definition}`, relation.split('.').at(-1) ?? '']),
    ),
    triggers: new Set(triggers.map(({ name }) => name)),
  };
}

/**
 * What a program that was written for `before` would trip over in `after`: columns that are gone or of another type, columns it does not know and must
 * fill, rules it does not know and may break. Tables that are new concern nobody.
 */
export function contractions(before: Shape, after: Shape): string[] {
  const tables = new Set([...before.columns.values()].map(({ table }) => table));
  const found: string[] = [];
  for (const [name, { type, isNullable }] of before.columns) {
    const now = after.columns.get(name);
    if (!now) found.push(`${name} is gone`);
    else if (now.type !== type) found.push(`${name} was ${type} and is ${now.type}`);
    else if (isNullable && !now.isNullable) found.push(`${name} may no longer be null`);
  }
  for (const [name, { table, isNullable, hasDefault }] of after.columns)
    if (!before.columns.has(name) && tables.has(table) && !isNullable && !hasDefault) found.push(`${name} is new and must be filled`);
  for (const [rule, table] of after.rules) if (!before.rules.has(rule) && tables.has(table)) found.push(`a new rule of ${rule}`);
  for (const [rule] of before.rules)
    if (/UNIQUE|PRIMARY/.test(rule) && !after.rules.has(rule)) found.push(`no more ${rule}, which \`on conflict\` may name`);
  for (const trigger of after.triggers)
    if (!before.triggers.has(trigger) && tables.has(trigger.split(' ')[0]?.split('.').at(-1) ?? ''))
      found.push(`a new trigger: ${trigger}`);
  return found;
}
