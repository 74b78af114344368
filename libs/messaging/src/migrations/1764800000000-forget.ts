import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/**
 * What is needed to forget safely (docs/adr/0011): when an event was said, the time up to which events were forgotten, and indexes
 * that find what may go without reading the rest. Ranges of a BRIN index never shrink, so where freed space is used again it finds nothing.
 */
export class Forget1764800000000 implements MigrationInterface {
  readonly name = 'Forget1764800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table inbox add column said_at timestamptz, add column subject text');
    await runner.query('drop index inbox_kept_until');
    await runner.query('create index inbox_due on inbox (kept_until)');
    await runner.query('create index inbox_subject on inbox (source, subject, said_at) where subject is not null');
    await runner.query('create table forgotten (only_row boolean primary key default true check (only_row), until timestamptz not null)');
    await runner.query('drop index outbox_published'); // it is walked by its primary key
    await runner.query('create index dead_letter_resolved on dead_letter (resolved_at) where resolved_at is not null');
    await runner.query(`create index dead_letter_unproven on dead_letter (at)
      where resolved_at is null and (source is null or source like 'outside:%')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index dead_letter_unproven, dead_letter_resolved, inbox_subject, inbox_due');
    await runner.query('create index outbox_published on outbox using brin (published_at)');
    await runner.query('create index inbox_kept_until on inbox using brin (kept_until)');
    await runner.query('alter table inbox drop column said_at, drop column subject');
    await runner.query('drop table forgotten');
  }
}
