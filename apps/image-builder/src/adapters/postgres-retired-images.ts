import { Injectable } from '@nestjs/common';
import type { ImageReference } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import { releaseNamedBy, releaseTag } from '../domain/names.js';
import { type Retired, RetiredImages } from '../ports.js';

interface Row {
  readonly id: string;
  readonly number: number;
  readonly project: string;
  readonly image: ImageReference;
  readonly ours: boolean;
  readonly retired: boolean;
}

/** {@link RetiredImages} as a mark on each build. */
@Injectable()
export class PostgresRetiredImages extends RetiredImages {
  async retired(tx: Tx, digest: string): Promise<Retired | undefined> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`image ${digest}`]);
    const rows = await tx.query<Row>(
      `select release as id, number, project, image, recipe ->> 'repository' is not distinct from image ->> 'repository' as ours,
         retired_at is not null as retired
       from build where image ->> 'digest' = $1 order by number`,
      [digest],
    );
    const built = rows.find(({ ours }) => ours);
    if (!built || rows.some(({ retired }) => !retired)) return undefined;
    return { image: built.image, releases: rows.map(({ id, number, project }) => ({ id, number, project })) };
  }

  async retire(tx: Tx, digest: string, releases: readonly string[]): Promise<void> {
    await tx.query(
      `update build set retired_at = coalesce(retired_at, now()) where image ->> 'digest' = $1 and release = any($2::uuid[])`,
      [digest, releases],
    );
  }

  async pushedAs(tx: Tx, repository: string, tags: readonly string[]): Promise<ReadonlySet<string>> {
    const named = tags.flatMap((tag) => releaseNamedBy(tag) ?? []);
    const rows = await tx.query<{ id: string; number: number; project: string }>(
      `select release as id, number, project from build join unnest($2::text[], $3::int[]) as named (project, number) using (project, number)
       where recipe ->> 'repository' = $1`,
      [repository, named.map(({ project }) => project), named.map(({ number }) => number)],
    );
    return new Set(rows.map(releaseTag));
  }
}
