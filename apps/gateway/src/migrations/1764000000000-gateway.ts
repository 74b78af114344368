import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/**
 * What the gateway owns (people, tokens, projects, targets), the journal of every event, and the ledger that is folded from it.
 * What others wrote is kept as `json`, not `jsonb`: it is given back as it came, and a NUL in a build's output refuses nothing.
 */
export class Gateway1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(people);
    await runner.query(applied);
    await runner.query(journal);
    await runner.query(ledger);
  }

  async down(): Promise<void> {
    throw new Error('the gateway keeps the journal of all that happened: there is no way back from here');
  }
}

const people = `
  create table person (id uuid primary key, version int not null, person jsonb not null);
  create table token (
    id uuid primary key,
    hash text not null unique,
    person uuid not null references person,
    name text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
  );
  create index token_of_person on token (person);
  -- person is null for the first administrator, who is nobody yet
  create table one_time_link (
    hash text primary key,
    person uuid references person,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
  );
`;

const applied = `
  create table project (name text primary key, version int not null, file jsonb, applied_by jsonb not null, applied_at timestamptz not null);
  create table project_version (
    name text not null,
    version int not null,
    file jsonb,
    applied_by jsonb not null,
    applied_at timestamptz not null,
    reason text not null,
    primary key (name, version)
  );
  create table target (name text primary key, version int not null, file jsonb, applied_by jsonb not null, applied_at timestamptz not null);
  create table target_version (
    name text not null,
    version int not null,
    file jsonb,
    applied_by jsonb not null,
    applied_at timestamptz not null,
    reason text not null,
    primary key (name, version)
  );
`;

const journal = `
  create sequence journal_seq;
  create table journal (
    seq bigint not null,
    received_at timestamptz not null default now(),
    event_id text not null,
    name text not null,
    source text not null,
    subject text not null,
    project text,
    release uuid,
    headers json not null,
    value bytea not null,
    primary key (seq, received_at)
  ) partition by range (received_at);
  create index journal_source on journal (source, seq);
  create index journal_project on journal (project, seq);
  create index journal_release on journal (release, seq);
  create table journal_other partition of journal default;
  -- months that were moved to files
  create table journal_archive (month text primary key, rows bigint not null, sha256 text not null, archived_at timestamptz not null default now());
`;

const ledger = `
  create table release (
    id uuid primary key,
    project text not null,
    number int not null,
    phase text not null,
    environments text[] not null,
    born_at timestamptz not null,
    changed_at timestamptz not null,
    about json not null,
    state json not null
  );
  create index release_of_project on release (project, number);
  create index release_by_birth on release (born_at desc, id desc);
  create table release_event (release uuid not null, event_id text not null, told json not null, primary key (release, event_id));
  create table request (
    id uuid primary key,
    release uuid not null,
    project text not null,
    environment text not null,
    state text not null,
    requested_at timestamptz not null,
    view json not null
  );
  create index request_by_time on request (requested_at desc, id desc);
  create table environment (project text not null, environment text not null, view json not null, primary key (project, environment));
  create table command (id uuid primary key, service text not null, issued_at timestamptz not null, issued json not null);
  create table answer (answers text not null, source text not null, name text not null, at timestamptz not null, data json not null, primary key (answers, source));
  create table dead_letter_told (
    service text not null,
    place text not null,
    at timestamptz not null,
    event_id text not null,
    data json not null,
    primary key (service, place)
  );
  create index dead_letter_told_by_time on dead_letter_told (at desc, event_id desc);
  create table audit_link (chain text not null, sequence int not null, link json not null, primary key (chain, sequence));
  -- what does not fit the chain we have: somebody rewrote it, or cut it off
  create table audit_conflict (chain text not null, sequence int not null, hash text not null, reason text not null, link json not null, primary key (chain, sequence, hash));
  create table audit_head (chain text primary key, sequence int not null, hash text not null, at timestamptz not null, envelope json not null);
  create table log_chunk (
    release uuid not null,
    stream text not null,
    chunk int not null,
    packed bytea not null,
    last boolean not null,
    primary key (release, stream, chunk)
  );
`;
