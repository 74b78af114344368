import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** When a chunk of a log came and what it takes, so that the oldest can go first and no look has to read the text. What is there now counts as new. */
export class AgeOfALog1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table log_chunk add column at timestamptz not null default now(), add column bytes int not null generated always as (octet_length(packed)) stored;
      create index log_chunk_by_age on log_chunk (at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table log_chunk drop column at, drop column bytes');
  }
}
