import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** What was last said of each project's source: that it cannot be read and why, or that it can again. */
export class SourceTold1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table source_told (project text primary key, at timestamptz not null, failing json)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table source_told');
  }
}
