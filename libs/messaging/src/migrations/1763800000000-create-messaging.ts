import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** The tables every service talks through (facts/reliability.md 2.2). Bodies are text, byte for byte what was signed. */
export class CreateMessaging1763800000000 implements MigrationInterface {
  readonly name = 'CreateMessaging1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    // What is published leaves the index, so an idle poll reads nothing; the vacuum keeps it so under load.
    await runner.query(`create table outbox (
      id bigint generated always as identity primary key,
      event_id text not null unique,
      topic text not null,
      key text not null,
      shard smallint not null,
      headers jsonb not null,
      value text not null check (octet_length(value) < 900000),
      causation_id text,
      created_at timestamptz not null default now(),
      published_at timestamptz,
      resends int not null default 0,
      last_error text
    ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1)`);
    await runner.query('create index outbox_unpublished on outbox (id) where published_at is null');
    await runner.query('create index outbox_answers on outbox (causation_id) where causation_id is not null');
    await runner.query('create index outbox_published on outbox using brin (published_at)');
    await runner.query('create table sequence (key text primary key, last bigint not null, step int not null) with (fillfactor = 70)');
    await runner.query(`create table handoff (
      event_id text not null,
      service text not null,
      next_at timestamptz not null,
      tries int not null default 0,
      created_at timestamptz not null default now(),
      primary key (event_id, service)
    )`);
    await runner.query('create index handoff_due on handoff (next_at)');
    await runner.query(`create table inbox (
      source text not null,
      event_id text not null,
      digest bytea not null,
      kept_until timestamptz,
      primary key (source, event_id)
    )`);
    await runner.query('create index inbox_kept_until on inbox using brin (kept_until)');
    await runner.query(`create table stored_offset (
      topic text not null,
      "partition" int not null,
      next bigint not null,
      primary key (topic, "partition")
    ) with (fillfactor = 50)`);
    await runner.query(`create table parked (
      source text not null,
      event_id text not null,
      type text not null,
      subject text not null,
      reason text not null,
      detail text not null,
      record jsonb not null,
      first_at timestamptz not null default now(),
      next_at timestamptz,
      tries int not null default 0,
      primary key (source, event_id)
    )`);
    await runner.query('create index parked_due on parked (next_at) where next_at is not null');
    await runner.query(`create table dead_letter (
      id uuid primary key,
      topic text not null,
      "partition" int not null,
      "offset" bigint not null,
      digest bytea not null,
      source text,
      event_id text,
      type text,
      reason text not null,
      detail text not null,
      stack text,
      tries int not null,
      record jsonb not null,
      cut boolean not null,
      at timestamptz not null default now(),
      resolved_at timestamptz,
      resolution text,
      resolved_by text,
      unique (topic, "partition", "offset", digest)
    )`);
    await runner.query('create index dead_letter_open on dead_letter (at) where resolved_at is null');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table outbox, sequence, handoff, inbox, stored_offset, parked, dead_letter');
  }
}
