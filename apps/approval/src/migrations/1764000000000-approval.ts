import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** What approval knows from others' events, its own requests, and the audit chains. */
export class Approval1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table project (name text primary key, version int not null, file jsonb);
      create table target (name text primary key, version int not null, file jsonb);
      create table person (id uuid primary key, version int not null, person jsonb not null);
      create table secret_version (project text, name text, service text, version text, primary key (project, name, service));

      create table release (
        id uuid primary key,
        project text not null,
        number int not null,
        line text not null,
        release jsonb not null,
        people jsonb not null,
        pusher jsonb,
        trigger_person uuid,
        range_from text,
        withdrawn_at timestamptz,
        unique (project, number)
      );

      create table passage (
        release uuid not null,
        environment text not null,
        project text not null,
        facts jsonb not null,
        passed_at timestamptz not null,
        primary key (release, environment)
      );

      create table standing (
        project text not null,
        environment text not null,
        release jsonb,
        image jsonb,
        address text,
        held jsonb,
        barred int[] not null default '{}',
        changed_at timestamptz not null,
        primary key (project, environment)
      );

      create table request (
        id uuid primary key,
        release uuid not null,
        project text not null,
        environment text not null,
        number int not null,
        state text not null,
        version int not null,
        request jsonb not null,
        grant_id uuid,
        grant_not_after timestamptz,
        grant_used boolean not null default false,
        opened_at timestamptz not null
      );
      create index request_of_environment on request (project, environment, state);
      create unique index request_undecided on request (release, environment) where state = 'open' or (state = 'granted' and not grant_used);

      create table nonce (nonce text primary key, request uuid not null, used_at timestamptz not null);

      create table audit_pending (id bigint generated always as identity primary key, event text not null unique, chain text not null, at timestamptz not null, entry jsonb not null);
      create table audit_entry (
        chain text not null,
        sequence int not null,
        at timestamptz not null,
        entry jsonb not null,
        previous text not null,
        hash text not null,
        primary key (chain, sequence)
      );
      create table audit_head (chain text primary key, sequence int not null, hash text not null, at timestamptz not null, envelope jsonb not null);

      create view grants_good_now as
        select grant_id, id as request, release, project, environment, request ->> 'asks' as asks, grant_not_after
        from request
        where state = 'granted' and grant_not_after > now();
    `);
  }

  async down(): Promise<void> {
    throw new Error('approval keeps the record of who let what in: there is no way back from here');
  }
}
