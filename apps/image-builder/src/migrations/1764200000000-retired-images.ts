import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** When the gateway said that a release's image is needed no longer; an image goes when all releases that have it were retired. */
export class RetiredImages1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table build add column retired_at timestamptz;
      create index build_of_digest on build ((image ->> 'digest')) where image is not null;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index build_of_digest; alter table build drop column retired_at');
  }
}
