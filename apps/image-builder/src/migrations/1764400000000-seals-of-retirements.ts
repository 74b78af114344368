import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** The seal of when a release's image was retired: a mark without it removes nothing. */
export class SealsOfRetirements1764400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table build add column retired_seal text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table build drop column retired_seal');
  }
}
