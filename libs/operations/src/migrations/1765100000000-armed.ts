import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Until when what a worker asked of the outside may still arrive there: nobody takes its operation before. */
export class Armed1765100000000 implements MigrationInterface {
  readonly name = 'Armed1765100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table operation add column armed_until timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table operation drop column armed_until');
  }
}
