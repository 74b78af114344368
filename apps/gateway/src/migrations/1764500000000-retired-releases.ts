import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Releases whose images are kept no longer, and what the registry said to it. */
export class RetiredReleases1764500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table retired_release (
        release uuid primary key,
        retired_at timestamptz not null default now(),
        -- why the registry keeps the image, where it does
        refused json,
        removed_at timestamptz
      );
      create index retired_release_open on retired_release (retired_at) where removed_at is null;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table retired_release');
  }
}
