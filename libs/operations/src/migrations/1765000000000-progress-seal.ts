import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** The seal of how far an operation is: what a worker reads there, it goes on from. */
export class ProgressSeal1765000000000 implements MigrationInterface {
  readonly name = 'ProgressSeal1765000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table operation add column progress_seal text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table operation drop column progress_seal');
  }
}
