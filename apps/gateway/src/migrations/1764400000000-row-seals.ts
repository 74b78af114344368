import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Seals of the rows that let people in. */
export class RowSeals1764400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table person add column seal text;
      alter table token add column seal text;
      alter table one_time_link add column seal text;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table person drop column seal;
      alter table token drop column seal;
      alter table one_time_link drop column seal;
    `);
  }
}
