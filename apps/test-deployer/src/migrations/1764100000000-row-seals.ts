import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Seals of the rows that decide. */
export class RowSeals1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table project add column seal text;
      alter table target add column seal text;
      alter table environment add column seal text;
      alter table deployment add column seal text;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table project drop column seal;
      alter table target drop column seal;
      alter table environment drop column seal;
      alter table deployment drop column seal;
    `);
  }
}
