import { Injectable } from '@nestjs/common';
import type { ProjectFile, TargetFile } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import { keepNewer, newestRow } from '@slipway/service-kit';
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
    return keepNewer(tx, this.seals, 'project', { name, version, file });
  }

  async keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean> {
    return keepNewer(tx, this.seals, 'target', { name, version, file });
  }

  async target(tx: Tx, name: string): Promise<{ version: number; file: TargetFile | null } | undefined> {
    return newestRow(tx, this.seals, 'target', name);
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
}
