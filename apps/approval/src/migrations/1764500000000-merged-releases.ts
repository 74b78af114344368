import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** The releases of other lines that came in with one, under a seal of their own: a version before knows neither. Of releases of before nobody knows. */
export class MergedReleases1764500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table release add column merged int[] not null default '{}', add column merged_seal text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table release drop column merged, drop column merged_seal');
  }
}
