import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** People ask again and again for what is open: found without reading all that was ever decided. */
export class RequestsByState1764600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index request_by_state on request (state, requested_at desc, id desc)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index request_by_state');
  }
}
