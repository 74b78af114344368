import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Test environments, what came to them, and what people decided about it. */
export class TestDeployer1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table project (name text primary key, version int not null, file jsonb);
      create table target (name text primary key, version int not null, file jsonb);
      create table withdrawn (release uuid primary key);

      create table decision (
        release uuid not null,
        environment text not null,
        request uuid not null,
        decided boolean not null,
        primary key (release, environment)
      );

      create table environment (
        project text not null,
        environment text not null,
        state jsonb not null,
        version int not null default 1,
        primary key (project, environment)
      );
      create index environment_occupant on environment ((state -> 'occupant' -> 'release' ->> 'id'));

      create table deployment (
        id uuid primary key,
        project text not null,
        environment text not null,
        release uuid not null,
        state text not null,
        deployment jsonb not null,
        created_at timestamptz not null default now()
      );
      create index deployment_of_environment on deployment (project, environment, state);
      create index deployment_of_release on deployment (release);
      create unique index deployment_running on deployment (project, environment) where state in ('deploying', 'verifying');
    `);
  }

  async down(): Promise<void> {
    throw new Error('test-deployer keeps the record of what was tested where: there is no way back from here');
  }
}
