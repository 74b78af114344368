import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** How far each partition holds nothing of this service that this database does not know (docs/adr/0020). */
export class SaidPlace1765800000000 implements MigrationInterface {
  readonly name = 'SaidPlace1765800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table said_place (
      topic text not null,
      "partition" int not null,
      next bigint not null,
      primary key (topic, "partition")
    ) with (fillfactor = 50)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table said_place');
  }
}
