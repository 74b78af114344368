import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Seals of the rows that decide. */
export class RowSeals1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table project_version add column seal text;
      alter table build add column seal text;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table project_version drop column seal;
      alter table build drop column seal;
    `);
  }
}
