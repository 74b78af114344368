import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Whom to tell; what is owed to them are operations. */
export class Notifier1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table person (id uuid primary key, version int not null, person jsonb not null)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table person');
  }
}
