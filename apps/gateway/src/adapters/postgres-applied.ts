import { Injectable } from '@nestjs/common';
import type { PersonReference } from '@slipway/contracts';
import { advisoryNumber, Database, type Tx } from '@slipway/postgres';
import { Applied, type AppliedRow, type FileOf, type Kind } from '../ports.js';

const shown = 'name, version, file, applied_by as "appliedBy", applied_at as "appliedAt"';
/** Table names by kind: never taken from outside. */
const tables = { project: 'project', target: 'target' } as const;

/** {@link Applied} as the row in force and, beside it, one for each version. */
@Injectable()
export class PostgresApplied extends Applied {
  constructor(private readonly database: Database) {
    super();
  }

  async lock<K extends Kind>(tx: Tx, kind: K, name: string): Promise<AppliedRow<K> | undefined> {
    await tx.query('select pg_advisory_xact_lock($1)', [advisoryNumber(this.database.schema, `${kind} ${name}`)]);
    return (await tx.query<AppliedRow<K>>(`select ${shown} from ${tables[kind]} where name = $1 for update`, [name]))[0];
  }

  async save<K extends Kind>(
    tx: Tx,
    kind: K,
    row: { name: string; version: number; file: FileOf[K] | null; by: PersonReference; reason: string },
  ): Promise<void> {
    const file = row.file && JSON.stringify(row.file);
    await tx.query(
      `with kept as (
         insert into ${tables[kind]}_version (name, version, file, applied_by, applied_at, reason) values ($1, $2, $3, $4, now(), $5)
       )
       insert into ${tables[kind]} (name, version, file, applied_by, applied_at) values ($1, $2, $3, $4, now())
       on conflict (name) do update set version = excluded.version, file = excluded.file, applied_by = excluded.applied_by, applied_at = excluded.applied_at`,
      [row.name, row.version, file, JSON.stringify(row.by), row.reason],
    );
  }

  async list<K extends Kind>(kind: K): Promise<readonly AppliedRow<K>[]> {
    return this.database.query<AppliedRow<K>>(`select ${shown} from ${tables[kind]} where file is not null order by name`);
  }

  async find<K extends Kind>(kind: K, name: string): Promise<AppliedRow<K> | undefined> {
    return (await this.database.query<AppliedRow<K>>(`select ${shown} from ${tables[kind]} where name = $1`, [name]))[0];
  }

  async missingTargets(tx: Tx, names: readonly string[]): Promise<readonly string[]> {
    const rows = await tx.query<{ name: string }>(
      'select name from target where name = any($1) and file is not null order by name for share',
      [names],
    );
    const there = new Set(rows.map(({ name }) => name));
    return [...new Set(names)].filter((name) => !there.has(name));
  }

  async projectsOn(tx: Tx, target: string): Promise<readonly string[]> {
    const rows = await tx.query<{ name: string }>(
      `select name from project where file is not null and file -> 'spec' -> 'environments' @> jsonb_build_array(jsonb_build_object('target', $1::text)) order by name`,
      [target],
    );
    return rows.map(({ name }) => name);
  }
}
