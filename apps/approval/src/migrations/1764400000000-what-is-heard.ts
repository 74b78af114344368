import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/**
 * Beside a grant, up to when approval has heard what runs in its environment: production-rollout begins nothing over what approval has not counted the change from.
 * Only added to: a production-rollout of before reads the same view.
 */
export class WhatIsHeard1764400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create or replace view grants_good_now as
        select grant_id, id as request, release, project, environment, request ->> 'asks' as asks, grant_not_after,
          coalesce((select changed_at from standing where (standing.project, standing.environment) = (request.project, request.environment)),
            '-infinity') as heard_to
        from request
        where state = 'granted' and grant_not_after > now();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop view grants_good_now;
      create view grants_good_now as
        select grant_id, id as request, release, project, environment, request ->> 'asks' as asks, grant_not_after
        from request
        where state = 'granted' and grant_not_after > now();
    `);
  }
}
