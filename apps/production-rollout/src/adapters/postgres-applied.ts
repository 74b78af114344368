import { Injectable } from '@nestjs/common';
import type { ProjectFile, TargetFile } from '@slipway/contracts';
import { Database, type Tx } from '@slipway/postgres';
import { Applied } from '../ports.js';

/** {@link Applied} in this service's own tables. */
@Injectable()
export class PostgresApplied extends Applied {
  constructor(private readonly database: Database) {
    super();
  }

  async keepProject(tx: Tx, name: string, version: number, file: ProjectFile | null): Promise<boolean> {
    return keep(tx, 'project', name, version, file);
  }

  async keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean> {
    return keep(tx, 'target', name, version, file);
  }

  async target(tx: Tx, name: string): Promise<{ version: number; file: TargetFile | null } | undefined> {
    return (await tx.query<{ version: number; file: TargetFile | null }>('select version, file from target where name = $1', [name]))[0];
  }

  async projects(): Promise<readonly ProjectFile[]> {
    return (await this.database.query<{ file: ProjectFile }>('select file from project where file is not null')).map((row) => row.file);
  }

  async keepSecretVersions(tx: Tx, project: string, versions: readonly { name: string; version: string | null }[]): Promise<boolean> {
    const rows = await tx.query(
      `insert into secret_said (project, versions) values ($1, $2)
       on conflict (project) do update set versions = excluded.versions where secret_said.versions <> excluded.versions returning project`,
      [project, JSON.stringify(versions)],
    );
    return rows.length > 0;
  }
}

async function keep(tx: Tx, table: 'project' | 'target', name: string, version: number, file: unknown): Promise<boolean> {
  const rows = await tx.query(
    `insert into ${table} (name, version, file) values ($1, $2, $3)
     on conflict (name) do update set version = excluded.version, file = excluded.file where ${table}.version < excluded.version returning name`,
    [name, version, file === null ? null : JSON.stringify(file)],
  );
  return rows.length > 0;
}
