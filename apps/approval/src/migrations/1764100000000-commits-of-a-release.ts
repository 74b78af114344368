import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** What a release brings, for those who sign it off. Releases of before bring nothing to show. */
export class CommitsOfARelease1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table release add column commits jsonb not null default '[]', add column commit_total int not null default 0`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table release drop column commits, drop column commit_total');
  }
}
