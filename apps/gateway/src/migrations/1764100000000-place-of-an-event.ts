import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/**
 * By what an event has its place among those of its release, so that the ledger can tell whether it comes last without reading them. Rows of before,
 * and those a gateway of before writes meanwhile, have none: their releases are folded whole, until the ledger is rebuilt.
 */
export class PlaceOfAnEvent1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table release_event
        add column at timestamptz, add column source text, add column subject text, add column sequence bigint, add column cause text;
      create index release_event_newest on release_event (release, at, event_id collate "C");
      create index release_event_line on release_event (release, source, subject, sequence);
      create index release_event_cause on release_event (release, cause);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'alter table release_event drop column at, drop column source, drop column subject, drop column sequence, drop column cause',
    );
  }
}
