import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Requests that ended before their grant was heard. */
export class RequestEnds1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table request_end (request uuid primary key, "end" jsonb not null, heard_at timestamptz not null default now());
      create index request_end_heard_at on request_end (heard_at);
    `);
  }

  async down(): Promise<void> {
    throw new Error('production-rollout keeps the record of what ran where: there is no way back from here');
  }
}
