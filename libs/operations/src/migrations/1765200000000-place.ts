import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** What several operations act on, each at its time: whose turn it is there, and until when something may still be on its way. It goes with the last of them. */
export class Place1765200000000 implements MigrationInterface {
  readonly name = 'Place1765200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table place (
      name text primary key,
      operation uuid not null references operation on delete cascade,
      epoch integer not null,
      armed_until timestamptz
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table place');
  }
}
