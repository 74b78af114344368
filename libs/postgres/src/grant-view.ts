import type { Database } from './database.js';
import { advisoryNumber, identifier, schemaOf } from './names.js';

/**
 * Lets one service read one view of another: the single exception to "no service reads another's tables" (design part 4: production-rollout
 * reads the grants that are good now). Run by the owner of the view, at boot after its migrations; running it again changes nothing, and replicas that start at
 * once do it one after the other: Postgres refuses them otherwise ("tuple concurrently updated").
 * The view is made a security barrier, so that the reader can't see hidden rows through a function of its own in a WHERE clause.
 * The reader writes `select … from <schemaOf(owner)>.<view>`. Returns false where the reader has no role (single role), which needs no grant.
 */
export async function grantView(
  database: Pick<Database, 'schema' | 'transaction'>,
  { view, to, prefix = 'slipway' }: { view: string; to: string; prefix?: string },
): Promise<boolean> {
  const name = `${identifier(database.schema)}.${identifier(view)}`;
  const reader = schemaOf(to, prefix);
  return await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [advisoryNumber(database.schema, 'grant view')]);
    const found = await tx.query<{ role: boolean; view: boolean }>(
      `select exists (select 1 from pg_roles where rolname = $1) as role,
              exists (select 1 from pg_class where oid = to_regclass($2) and relkind = 'v') as view`,
      [reader, name],
    );
    if (!found[0]?.view) throw new Error(`${name} is no view: only a view may be shown to another service, never a table`);
    await tx.query(`alter view ${name} set (security_barrier = true)`);
    if (!found[0].role) return false;
    await tx.query(`grant usage on schema ${database.schema} to ${reader}`);
    await tx.query(`grant select on ${name} to ${reader}`);
    return true;
  });
}
