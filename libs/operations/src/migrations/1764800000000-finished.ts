import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Finds what finished long ago without reading the rest. */
export class Finished1764800000000 implements MigrationInterface {
  readonly name = 'Finished1764800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index operation_finished on operation (finished_at) where finished_at is not null');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index operation_finished');
  }
}
