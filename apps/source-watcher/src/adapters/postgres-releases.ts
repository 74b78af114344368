import { Injectable } from '@nestjs/common';
import type { ImageReference, Release } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import { type Born, type Outcome, Releases } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';
import { json } from './json.js';

interface ReleaseRow {
  id: string;
  image_seal: string | null;
  release: Release;
  project_version: number;
  repository_file: Born['repositoryFile'];
  image: ImageReference | null;
  building: boolean;
}

const releaseColumns = `${sealedColumns(sealedTables, 'release')}, image, image_seal, building`;

/** Outcomes and releases in Postgres. */
@Injectable()
export class PostgresReleases extends Releases {
  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
  ) {
    super();
  }

  async unrecorded(tx: Tx, project: string, ref: string, revisions: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await tx.query<{ revision: string }>(
      'select revision from outcome where project = $1 and ref = $2 and revision = any($3)',
      [project, ref, revisions],
    );
    const known = new Set(rows.map(({ revision }) => revision));
    return new Set(revisions.filter((revision) => !known.has(revision)));
  }

  async record(tx: Tx, project: string, ref: string, revisions: readonly string[], outcome: Outcome): Promise<void> {
    const number = outcome.kind === 'ignored' ? null : outcome.number;
    const reason = outcome.kind === 'ignored' ? outcome.reason : null;
    await tx.query(
      'insert into outcome (project, ref, revision, kind, number, reason) select $1, $2, revision, $4, $5, $6 from unnest($3::text[]) as revision on conflict do nothing',
      [project, ref, revisions, outcome.kind, number, json(reason)],
    );
  }

  async keep(tx: Tx, { release, projectVersion, repositoryFile, image, building }: Born): Promise<void> {
    const { id, project, number, kind, ref, line, revision } = release;
    const about = { id, project, number, kind, ref, line, revision };
    const row = { ...about, release, project_version: projectVersion, repository_file: repositoryFile };
    await tx.query(
      `insert into release (id, project, number, kind, ref, line, revision, release, project_version, repository_file, image, building, seal, image_seal)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        ...[id, project, number, kind, ref, line, revision, json(release), projectVersion, json(repositoryFile), json(image), building],
        ...[this.seals.of('release', row), this.imageSeal(id, image)],
      ],
    );
  }

  async newest(project: string, limit: number): Promise<Born[]> {
    return (
      await this.database.query<ReleaseRow>(`select ${releaseColumns} from release where project = $1 order by number desc limit $2`, [
        project,
        limit,
      ])
    ).map((row) => this.born(row));
  }

  async lastOnLine(project: string, line: string): Promise<Born | undefined> {
    const [row] = await this.database.query<ReleaseRow>(
      `select ${releaseColumns} from release where project = $1 and number = coalesce(
         (select max(number) from release where project = $1 and ref = $2),
         (select max(number) from release where project = $1 and line = $2))`,
      [project, line],
    );
    return row && this.born(row);
  }

  async ofRevision(project: string, revision: string): Promise<Born | undefined> {
    const [row] = await this.database.query<ReleaseRow>(
      `select ${releaseColumns} from release where project = $1 and revision = $2 order by image is null, number desc limit 1`,
      [project, revision],
    );
    return row && this.born(row);
  }

  async onLineSince(tx: Tx, { project, line, number }: Release): Promise<Release[]> {
    const rows = await tx.query<ReleaseRow>(
      `select ${releaseColumns} from release where project = $1 and line = $2 and number > $3 order by number desc limit 1000`,
      [project, line, number],
    );
    return rows.map((row) => this.born(row).release);
  }

  async newestBuilt(tx: Tx, project: string): Promise<Born[]> {
    const rows = await tx.query<ReleaseRow>(
      `select ${releaseColumns} from (
         select distinct on (ref, kind = 'configuration') ${releaseColumns} from release
         where project = $1 and image is not null order by ref, kind = 'configuration', number desc
       ) newest order by number desc limit 200`,
      [project],
    );
    return rows.map((row) => this.born(row));
  }

  async built(tx: Tx, release: string, image: ImageReference | null): Promise<string | undefined> {
    const [row] = await tx.query<{ project: string }>(
      `update release set building = false, image = coalesce($2, image), image_seal = coalesce($3, image_seal) where id = $1 returning project`,
      [release, json(image), this.imageSeal(release, image)],
    );
    return row?.project;
  }

  private imageSeal(id: string, image: ImageReference | null): string | null {
    return image && this.seals.of('image of a release', { id, image });
  }

  private born(row: ReleaseRow): Born {
    if (row.image) this.seals.believed('image of a release', { id: row.id, image: row.image, seal: row.image_seal });
    return bornOf(this.seals.believed('release', row));
  }
}

function bornOf(row: ReleaseRow): Born {
  return {
    release: row.release,
    projectVersion: row.project_version,
    repositoryFile: row.repository_file,
    image: row.image,
    building: row.building,
  };
}
