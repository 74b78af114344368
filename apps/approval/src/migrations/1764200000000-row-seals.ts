import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Seals of the rows that decide, for which nothing of what is there has to change; entries that were not believed are set aside. */
export class RowSeals1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table project add column seal text;
      alter table target add column seal text;
      alter table person add column seal text;
      alter table secret_version add column seal text;
      alter table release add column seal text, add column link_seal text,
        add column revision text generated always as (release ->> 'revision') stored;
      alter table passage add column seal text;
      alter table standing add column seal text, add column barred_seal text;
      alter table request add column seal text;
      alter table audit_pending add column seal text, add column refused_at timestamptz;
      alter table audit_head add column seal text;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table project drop column seal;
      alter table target drop column seal;
      alter table person drop column seal;
      alter table secret_version drop column seal;
      alter table release drop column seal, drop column link_seal, drop column revision;
      alter table passage drop column seal;
      alter table standing drop column seal, drop column barred_seal;
      alter table request drop column seal;
      alter table audit_pending drop column seal, drop column refused_at;
      alter table audit_head drop column seal;
    `);
  }
}
