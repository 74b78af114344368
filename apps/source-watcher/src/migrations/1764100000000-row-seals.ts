import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Seals of the rows that decide. */
export class RowSeals1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table source add column seal text;
      alter table head add column seal text;
      alter table release add column seal text, add column image_seal text;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table source drop column seal;
      alter table head drop column seal;
      alter table release drop column seal, drop column image_seal;
    `);
  }
}
