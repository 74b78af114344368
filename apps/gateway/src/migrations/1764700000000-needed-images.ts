import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Who needs the image of a release: the commands about it, however old, and the files of repositories that name an image by digest. */
export class NeededImages1764700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create index command_of_release on command (lower(issued -> 'action' ->> 'release')) where issued -> 'action' ->> 'release' is not null;
      create index command_back_to on command ((issued -> 'action' ->> 'project'), (issued -> 'action' ->> 'to'))
        where issued -> 'action' ->> 'to' is not null;
      create index release_event_pinned on release_event (release) where told -> 'data' ->> 'repositoryFile' like '%sha256:%';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index command_of_release; drop index command_back_to; drop index release_event_pinned');
  }
}
