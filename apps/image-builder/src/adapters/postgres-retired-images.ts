import { Injectable } from '@nestjs/common';
import type { ImageReference } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { releaseNamedBy, releaseTag } from '../domain/names.js';
import { type Retired, RetiredImages } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

interface Row {
  readonly release: string;
  readonly number: number;
  readonly project: string;
  readonly recipe: { readonly repository: string } | null;
  readonly image: ImageReference;
  readonly retired_at: Date | null;
  readonly retired_seal: string | null;
}

const columns = sealedColumns(sealedTables, 'build');

/** {@link RetiredImages} as a mark on each build, with a seal of its own: where a row or a mark is not believed, the image stays. */
@Injectable()
export class PostgresRetiredImages extends RetiredImages {
  constructor(private readonly seals: RowSeals) {
    super();
  }

  async retired(tx: Tx, digest: string): Promise<Retired | undefined> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`image ${digest}`]);
    const sql = `select ${columns}, retired_at, retired_seal from build where image ->> 'digest' = $1 order by number`;
    const rows = await tx.query<Row>(sql, [digest]);
    const builds = this.seals.those('build', rows);
    const built = builds.find(({ recipe, image }) => recipe?.repository === image.repository);
    if (!built || builds.length < rows.length || !builds.every((build) => this.isRetired(build))) return undefined;
    return { image: built.image, releases: builds.map(({ release: id, number, project }) => ({ id, number, project })) };
  }

  async isMarked(tx: Tx, digest: string): Promise<boolean> {
    const [all] = await tx.query<{ marked: boolean | null }>(
      `select bool_and(retired_at is not null) and bool_or(recipe ->> 'repository' = image ->> 'repository') as marked
       from build where image ->> 'digest' = $1`,
      [digest],
    );
    return all?.marked ?? false;
  }

  async retire(tx: Tx, digest: string, releases: readonly string[]): Promise<void> {
    const rows = await tx.query<{ release: string }>(
      `select release from build where image ->> 'digest' = $1 and release = any($2::uuid[]) and (retired_at is null or retired_seal is null)
       for update`,
      [digest, releases],
    );
    const at = new Date();
    await tx.query(
      `update build set retired_at = $1, retired_seal = made.seal
       from unnest($2::uuid[], $3::text[]) as made (release, seal) where build.release = made.release`,
      [
        at,
        rows.map(({ release }) => release),
        rows.map(({ release }) => this.seals.of('retirement of an image', { release, retired_at: at })),
      ],
    );
  }

  async pushedAs(tx: Tx, repository: string, tags: readonly string[]): Promise<ReadonlySet<string>> {
    const named = tags.flatMap((tag) => releaseNamedBy(tag) ?? []);
    const rows = await tx.query<Row>(
      `select ${columns} from build join unnest($2::text[], $3::int[]) as named (project, number) using (project, number)
       where recipe ->> 'repository' = $1`,
      [repository, named.map(({ project }) => project), named.map(({ number }) => number)],
    );
    return new Set(this.seals.those('build', rows).map(({ release: id, number, project }) => releaseTag({ id, number, project })));
  }

  /** A mark without a seal, as the version before makes it, is none. */
  private isRetired({ release, retired_at, retired_seal: seal }: Row): boolean {
    if (retired_at === null || seal === null) return false;
    return this.seals.those('retirement of an image', [{ release, retired_at, seal }]).length > 0;
  }
}
