import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** What an operation waits for because it does not answer: part, environment, since when, and whether that was said. */
export class Away1764900000000 implements MigrationInterface {
  readonly name = 'Away1764900000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table operation add column away jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table operation drop column away');
  }
}
