import { Injectable } from '@nestjs/common';
import type { ProjectFile, TargetFile } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import { Applied } from '../ports.js';

type Known<File> = { version: number; file: File | null };

/** {@link Applied} in this service's own tables. */
@Injectable()
export class PostgresApplied extends Applied {
  async keepProject(tx: Tx, name: string, version: number, file: ProjectFile | null): Promise<boolean> {
    return keep(tx, 'project', name, version, file);
  }

  async keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean> {
    return keep(tx, 'target', name, version, file);
  }

  async project(tx: Tx, name: string): Promise<Known<ProjectFile> | undefined> {
    return (await tx.query<Known<ProjectFile>>('select version, file from project where name = $1', [name]))[0];
  }

  async target(tx: Tx, name: string): Promise<Known<TargetFile> | undefined> {
    return (await tx.query<Known<TargetFile>>('select version, file from target where name = $1', [name]))[0];
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
