import { identifier, schemaOf } from './names.js';

/**
 * Lets one service read one view of another: the single exception to "no service reads another's tables" (design part 4: production-rollout
 * reads the grants that are good now). Run by the owner of the view, at boot after its migrations; running it again changes nothing.
 * The view is made a security barrier, so that the reader can't see hidden rows through a function of its own in a WHERE clause.
 * The reader writes `select … from <schemaOf(owner)>.<view>`. Returns false where the reader has no role (single role), which needs no grant.
 */
export async function grantView(
  database: { query<T>(sql: string, params?: unknown[]): Promise<T[]>; readonly schema: string },
  { view, to, prefix = 'slipway' }: { view: string; to: string; prefix?: string },
): Promise<boolean> {
  const name = `${identifier(database.schema)}.${identifier(view)}`;
  const reader = schemaOf(to, prefix);
  const found = await database.query<{ role: boolean; view: boolean }>(
    `select exists (select 1 from pg_roles where rolname = $1) as role,
            exists (select 1 from pg_class where oid = to_regclass($2) and relkind = 'v') as view`,
    [reader, name],
  );
  if (!found[0]?.view) throw new Error(`${name} is no view: only a view may be shown to another service, never a table`);
  await database.query(`alter view ${name} set (security_barrier = true)`);
  if (!found[0].role) return false;
  await database.query(`grant usage on schema ${database.schema} to ${reader}`);
  await database.query(`grant select on ${name} to ${reader}`);
  return true;
}
