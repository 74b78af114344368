import { Injectable } from '@nestjs/common';
import type { ProjectFile, TargetFile } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import { Applied } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

/** {@link Applied} in this service's own tables. */
@Injectable()
export class PostgresApplied extends Applied {
  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
  ) {
    super();
  }

  async keepProject(tx: Tx, name: string, version: number, file: ProjectFile | null): Promise<boolean> {
    return this.keep(tx, 'project', { name, version, file });
  }

  async keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean> {
    return this.keep(tx, 'target', { name, version, file });
  }

  async target(tx: Tx, name: string): Promise<{ version: number; file: TargetFile | null } | undefined> {
    const [row] = await tx.query<{ version: number; file: TargetFile | null }>(
      `select ${sealedColumns(sealedTables, 'target')} from target where name = $1`,
      [name],
    );
    return row && this.seals.believed('target', row);
  }

  async projects(): Promise<readonly ProjectFile[]> {
    const rows = await this.database.query<{ file: ProjectFile }>(
      `select ${sealedColumns(sealedTables, 'project')} from project where file is not null`,
    );
    return this.seals.those('project', rows).map((row) => row.file);
  }

  async keepSecretVersions(tx: Tx, project: string, versions: readonly { name: string; version: string | null }[]): Promise<boolean> {
    const rows = await tx.query(
      `insert into secret_said (project, versions) values ($1, $2)
       on conflict (project) do update set versions = excluded.versions where secret_said.versions <> excluded.versions returning project`,
      [project, JSON.stringify(versions)],
    );
    return rows.length > 0;
  }

  private async keep(tx: Tx, table: 'project' | 'target', row: { name: string; version: number; file: unknown }): Promise<boolean> {
    const { name, version, file } = row;
    const rows = await tx.query(
      `insert into ${table} (name, version, file, seal) values ($1, $2, $3, $4)
       on conflict (name) do update set version = excluded.version, file = excluded.file, seal = excluded.seal
       where ${table}.version < excluded.version returning name`,
      [name, version, file === null ? null : JSON.stringify(file), this.seals.of(table, row)],
    );
    return rows.length > 0;
  }
}
