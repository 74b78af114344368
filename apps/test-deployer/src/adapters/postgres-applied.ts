import { Injectable } from '@nestjs/common';
import type { ProjectFile, TargetFile } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { Applied } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

type Known<File> = { version: number; file: File | null };

/** {@link Applied} in this service's own tables. */
@Injectable()
export class PostgresApplied extends Applied {
  constructor(private readonly seals: RowSeals) {
    super();
  }

  async keepProject(tx: Tx, name: string, version: number, file: ProjectFile | null): Promise<boolean> {
    return this.keep(tx, 'project', { name, version, file });
  }

  async keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean> {
    return this.keep(tx, 'target', { name, version, file });
  }

  async project(tx: Tx, name: string): Promise<Known<ProjectFile> | undefined> {
    return this.known<ProjectFile>(tx, 'project', name);
  }

  async target(tx: Tx, name: string): Promise<Known<TargetFile> | undefined> {
    return this.known<TargetFile>(tx, 'target', name);
  }

  private async known<File>(tx: Tx, table: 'project' | 'target', name: string): Promise<Known<File> | undefined> {
    const [row] = await tx.query<Known<File>>(`select ${sealedColumns(sealedTables, table)} from ${table} where name = $1`, [name]);
    return row && this.seals.believed(table, row);
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
