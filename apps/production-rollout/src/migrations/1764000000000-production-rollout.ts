import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Environments, what runs in them, and the rollouts that changed them. */
export class ProductionRollout1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table project (name text primary key, version int not null, file jsonb);
      create table target (name text primary key, version int not null, file jsonb);
      create table withdrawn (release uuid primary key, project text not null);
      create table secret_said (project text primary key, versions jsonb not null);

      create table environment (
        project text not null,
        environment text not null,
        state jsonb not null,
        version int not null default 1,
        primary key (project, environment)
      );

      create table rollout (
        id uuid primary key,
        project text not null,
        environment text not null,
        release uuid not null,
        request uuid,
        state text not null,
        rollout jsonb not null,
        created_at timestamptz not null default now()
      );
      create index rollout_of_environment on rollout (project, environment, state);
      create unique index rollout_of_request on rollout (request) where request is not null;
      create unique index rollout_running on rollout (project, environment) where state = 'running';
    `);
  }

  async down(): Promise<void> {
    throw new Error('production-rollout keeps the record of what ran where: there is no way back from here');
  }
}
