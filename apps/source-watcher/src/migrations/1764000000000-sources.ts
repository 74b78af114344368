import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Sources, what was seen in them, what became of each revision, the releases born, and the deliveries that told of a push. */
export class Sources1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table source (
        project text primary key,
        version int not null,
        file jsonb,
        generation int not null default 1,
        next_number int not null default 1,
        watched jsonb,
        svn_uuid text,
        asked jsonb,
        polled_at timestamptz,
        failing_code text,
        failing_since timestamptz,
        failures int not null default 0,
        failure_said boolean not null default false
      );
      create index source_svn_uuid on source (svn_uuid) where svn_uuid is not null;

      create table head (
        project text not null,
        ref text not null,
        revision text not null,
        seen_at timestamptz not null default now(),
        primary key (project, ref)
      );

      create table outcome (
        project text not null,
        ref text not null,
        revision text not null,
        kind text not null check (kind in ('release', 'folded', 'ignored')),
        number int,
        reason jsonb,
        at timestamptz not null default now(),
        primary key (project, ref, revision)
      );

      create table release (
        id uuid primary key,
        project text not null,
        number int not null,
        kind text not null,
        ref text not null,
        line text not null,
        revision text not null,
        release jsonb not null,
        project_version int not null,
        repository_file jsonb,
        image jsonb,
        building boolean not null,
        born_at timestamptz not null default now(),
        unique (project, number)
      );
      create unique index release_revision on release (project, ref, revision) where kind <> 'configuration';

      create table delivery (
        project text not null,
        id text not null,
        ref text,
        revision text,
        pusher jsonb,
        received_at timestamptz not null default now(),
        primary key (project, id)
      );
      create index delivery_revision on delivery (project, revision) where revision is not null;
      create index delivery_received on delivery (received_at);

      create table secret_version (
        project text not null,
        name text not null,
        service text not null,
        version text,
        primary key (project, name, service)
      );
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
