import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** The project files builds are made by, every version that a release may name, and the builds themselves. */
export class ImageBuilder1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table project_version (project text, version int, file jsonb, primary key (project, version));

      create table build (
        release uuid primary key,
        project text not null,
        number int not null,
        kind text not null,
        line text not null,
        revision text not null,
        recipe jsonb,
        state text not null,
        attempt int not null,
        build jsonb not null,
        image jsonb,
        provenance jsonb,
        cause jsonb not null,
        created_at timestamptz not null default now(),
        started_at timestamptz,
        finished_at timestamptz,
        unique (project, number)
      );
      create index build_of_line on build (project, line, number);
      create index build_of_revision on build (project, revision);
      create index build_open on build (state) where state in ('queued', 'building');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table build; drop table project_version');
  }
}
