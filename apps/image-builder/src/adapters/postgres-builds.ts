import { Injectable } from '@nestjs/common';
import type { DsseEnvelope, ProjectFile } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import type { Cause } from '@slipway/messaging';
import { Database, type Tx } from '@slipway/postgres';
import type { Build } from '../domain/build.js';
import { Builds, type KeptBuild } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

interface Row {
  build: Build;
  cause: Cause;
  created_at: Date;
  started_at: Date | null;
  provenance: DsseEnvelope | null;
}

const columns = sealedColumns(sealedTables, 'build');
const open = `state in ('queued', 'building')`;

/** {@link Builds} in image-builder's own tables. */
@Injectable()
export class PostgresBuilds extends Builds {
  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
  ) {
    super();
  }

  async keepProject(tx: Tx, { name, version, file }: { name: string; version: number; file: ProjectFile | null }): Promise<void> {
    const sql = 'insert into project_version (project, version, file, seal) values ($1, $2, $3, $4) on conflict do nothing';
    await tx.query(sql, [name, version, JSON.stringify(file), this.seals.of('project_version', { project: name, version, file })]);
  }

  async project(tx: Tx, name: string, version: number): Promise<ProjectFile | null | undefined> {
    // Kafka keeps only the newest version of a project: whoever starts from nothing may never hear of one in between, and takes the next.
    const names = sealedColumns(sealedTables, 'project_version');
    const sql = `select ${names} from project_version where project = $1 and version >= $2 order by version limit 1`;
    const [row] = await tx.query<{ file: ProjectFile | null }>(sql, [name, version]);
    return row && this.seals.believed('project_version', row).file;
  }

  async add(tx: Tx, build: Build, cause: Cause): Promise<boolean> {
    const row = rowOf(build);
    const { image } = row;
    const rows = await tx.query(
      `insert into build (release, project, number, kind, line, revision, recipe, state, attempt, build, image, cause, seal)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (release) do nothing returning release`,
      [
        ...[row.release, row.project, row.number, row.kind, row.line, row.revision, row.recipe && JSON.stringify(row.recipe)],
        ...[row.state, row.attempt, JSON.stringify(build), image && JSON.stringify(image), JSON.stringify(cause)],
        this.seals.of('build', row),
      ],
    );
    return rows.length > 0;
  }

  async find(tx: Tx, release: string): Promise<KeptBuild | undefined> {
    const sql = `select ${columns}, cause, created_at, started_at, provenance from build where release = $1 for update`;
    const [row] = this.all(await tx.query<Row>(sql, [release]));
    return row && { build: row.build, cause: row.cause, createdAt: row.created_at, startedAt: row.started_at, provenance: row.provenance };
  }

  async save(tx: Tx, build: Build, provenance?: DsseEnvelope): Promise<void> {
    await tx.query(
      `update build set state = $2, attempt = $3, build = $4, image = $5, provenance = coalesce($6, provenance), seal = $7,
         started_at = case $2 when 'building' then coalesce(started_at, now()) when 'queued' then null else started_at end,
         finished_at = case when $2 in ('queued', 'building') then null else now() end
       where release = $1`,
      [
        ...[build.release.id, build.state, build.attempt, JSON.stringify(build)],
        ...[build.image && JSON.stringify(build.image), provenance ? JSON.stringify(provenance) : null],
        this.seals.of('build', rowOf(build)),
      ],
    );
  }

  async openOf(tx: Tx, project: string, line: string): Promise<Build[]> {
    const sql = `select ${columns} from build where project = $1 and line = $2 and kind = 'commit' and ${open} order by number for update`;
    return this.seals.those('build', await tx.query<Row>(sql, [project, line])).map((row) => row.build);
  }

  async newestOf(tx: Tx, project: string, line: string): Promise<number | undefined> {
    const sql = `select max(number) as newest from build where project = $1 and line = $2 and kind = 'commit'`;
    const [row] = await tx.query<{ newest: number | null }>(sql, [project, line]);
    return row?.newest ?? undefined;
  }

  async twinOf(tx: Tx, build: Build): Promise<Build | undefined> {
    const { release } = build;
    // Two releases of one revision begin one after the other, in whichever replicas they are.
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`build of ${release.project} ${release.revision}`]);
    const rows = await tx.query<Row>(
      `select ${columns} from build where project = $1 and revision = $2 and recipe = $3 and release <> $4 and retired_at is null
         and (state in ('built', 'building') or (${open} and number < $5)) order by state = 'built' desc, state = 'building' desc, number limit 1`,
      [release.project, release.revision, JSON.stringify(build.recipe), release.id, release.number],
    );
    return this.all(rows)[0]?.build;
  }

  async waitingFor(tx: Tx, { release, recipe }: Build): Promise<Build[]> {
    const sql = `select ${columns} from build where project = $1 and revision = $2 and recipe = $3 and release <> $4 and state = 'queued' limit 100`;
    const rows = await tx.query<Row>(sql, [release.project, release.revision, JSON.stringify(recipe), release.id]);
    return this.seals.those('build', rows).map((row) => row.build);
  }

  async builtAs(tx: Tx, project: string, digest: string): Promise<{ release: string; number: number } | null> {
    const sql = `select ${columns} from build where project = $1 and image ->> 'digest' = $2 and recipe is not null order by number limit 1`;
    const [row] = this.seals.those('build', await tx.query<Row & { release: string; number: number }>(sql, [project, digest]));
    return row ? { release: row.release, number: row.number } : null;
  }

  async open(): Promise<Build[]> {
    const rows = await this.database.query<Row>(`select ${columns} from build where ${open} order by created_at limit 1000`);
    return this.seals.those('build', rows).map((row) => row.build);
  }

  private all(rows: readonly Row[]): Row[] {
    return rows.map((row) => this.seals.believed('build', row));
  }
}

/** Its columns, as they are written and sealed; the provenance beside them is signed. */
function rowOf(build: Build) {
  const { id, project, number, kind, line, revision } = build.release;
  const { recipe, state, attempt, image } = build;
  return { release: id, project, number, kind, line, revision, recipe, state, attempt, build, image };
}
