import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** What is undecided in an environment is asked for by line, at each request and each grant, however many lines a project has. */
export class LineOfARequest1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create index request_of_line on request (project, environment, (request -> 'release' ->> 'line'), number)
      where state = 'open' or (state = 'granted' and not grant_used)
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index request_of_line');
  }
}
