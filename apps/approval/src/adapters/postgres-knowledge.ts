import { Injectable } from '@nestjs/common';
import type { ImageReference, Person, Release } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { Link, ToldCommit } from '../domain/change.js';
import { type AppliedProject, type AppliedTarget, Knowledge, type KnownRelease, type Passage, type Standing } from '../ports.js';

interface ReleaseRow {
  release: Release;
  people: KnownRelease['people'];
  pusher: KnownRelease['pusher'];
  trigger_person: string | null;
  range_from: string | null;
  commits: readonly ToldCommit[];
  commit_total: number;
  withdrawn_at: Date | null;
}

const releaseColumns = 'release, people, pusher, trigger_person, range_from, commits, commit_total, withdrawn_at';

/** {@link Knowledge} in approval's own tables. */
@Injectable()
export class PostgresKnowledge extends Knowledge {
  async alone(tx: Tx, project: string): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`approval/project/${project}`]);
  }

  async whileStands(tx: Tx, target: string): Promise<void> {
    await tx.query('select pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [`approval/target/${target}`]);
  }

  async whenUnread(tx: Tx, target: string): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`approval/target/${target}`]);
  }

  async keepProject(tx: Tx, { name, version, file }: AppliedProject): Promise<boolean> {
    const rows = await tx.query(
      `insert into project (name, version, file) values ($1, $2, $3)
       on conflict (name) do update set version = excluded.version, file = excluded.file where project.version < excluded.version returning name`,
      [name, version, json(file)],
    );
    return rows.length > 0;
  }

  async keepTarget(tx: Tx, { name, version, file }: AppliedTarget): Promise<boolean> {
    const rows = await tx.query(
      `insert into target (name, version, file) values ($1, $2, $3)
       on conflict (name) do update set version = excluded.version, file = excluded.file where target.version < excluded.version returning name`,
      [name, version, json(file)],
    );
    return rows.length > 0;
  }

  async keepPerson(tx: Tx, person: Person, version: number): Promise<boolean> {
    const rows = await tx.query(
      `insert into person (id, version, person) values ($1, $2, $3)
       on conflict (id) do update set version = excluded.version, person = excluded.person where person.version < excluded.version returning id`,
      [person.id, version, json(person)],
    );
    return rows.length > 0;
  }

  async keepSecrets(tx: Tx, project: string, service: string, secrets: readonly { name: string; version: string | null }[]): Promise<void> {
    for (const { name, version } of secrets) {
      await tx.query(
        `insert into secret_version (project, name, service, version) values ($1, $2, $3, $4)
         on conflict (project, name, service) do update set version = excluded.version`,
        [project, name, service, version],
      );
    }
  }

  async keepRelease(tx: Tx, { release, people, pusher, triggerPerson, from, commits, commitTotal }: KnownRelease): Promise<void> {
    await tx.query(
      `insert into release (id, project, number, line, release, people, pusher, trigger_person, range_from, commits, commit_total)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing`,
      [
        ...[release.id, release.project, release.number, release.line, json(release), json(people), json(pusher), triggerPerson, from],
        ...[json(commits), commitTotal],
      ],
    );
  }

  async withdraw(tx: Tx, release: string): Promise<void> {
    await tx.query('update release set withdrawn_at = coalesce(withdrawn_at, now()) where id = $1', [release]);
  }

  async keepPassage(tx: Tx, passage: Passage): Promise<void> {
    await tx.query(
      `insert into passage (release, environment, project, facts, passed_at) values ($1, $2, $3, $4, $5)
       on conflict (release, environment) do update set facts = excluded.facts, passed_at = excluded.passed_at`,
      [passage.release.id, passage.environment, passage.release.project, json(passage), passage.passedAt],
    );
  }

  async keepStanding(
    tx: Tx,
    {
      project,
      environment,
      release,
      image,
      address,
    }: { project: string; environment: string; release: Release; image: ImageReference; address: string },
    at: Date,
  ): Promise<void> {
    await tx.query(
      `insert into standing (project, environment, release, image, address, changed_at) values ($1, $2, $3, $4, $5, $6)
       on conflict (project, environment) do update set release = excluded.release, image = excluded.image, address = excluded.address, changed_at = excluded.changed_at
       where standing.changed_at <= excluded.changed_at`,
      [project, environment, json(release), json(image), address, at],
    );
  }

  async bar(tx: Tx, project: string, environment: string, number: number): Promise<void> {
    await tx.query(
      `insert into standing (project, environment, barred, changed_at) values ($1, $2, array[$3::int], '-infinity')
       on conflict (project, environment) do update set barred = array_append(array_remove(standing.barred, $3::int), $3::int)`,
      [project, environment, number],
    );
  }

  async unbar(tx: Tx, project: string, environment: string, number: number): Promise<void> {
    // Hardly ever barred: then the row, which every rollout of the project writes, is not waited for.
    await tx.query(
      'update standing set barred = array_remove(barred, $3::int) where project = $1 and environment = $2 and $3::int = any(barred)',
      [project, environment, number],
    );
  }

  async removeStanding(tx: Tx, project: string, environment: string, at: Date): Promise<void> {
    await tx.query(
      `insert into standing (project, environment, changed_at) values ($1, $2, $3)
       on conflict (project, environment) do update set release = null, image = null, address = null, changed_at = excluded.changed_at
       where standing.changed_at <= excluded.changed_at`,
      [project, environment, at],
    );
  }

  async project(tx: Tx, name: string): Promise<AppliedProject | undefined> {
    return (await tx.query<AppliedProject>('select name, version, file from project where name = $1', [name]))[0];
  }

  async target(tx: Tx, name: string): Promise<AppliedTarget | undefined> {
    return (await tx.query<AppliedTarget>('select name, version, file from target where name = $1', [name]))[0];
  }

  async people(tx: Tx): Promise<readonly Person[]> {
    return (await tx.query<{ person: Person }>('select person from person')).map((row) => row.person);
  }

  async person(tx: Tx, id: string): Promise<Person | undefined> {
    return (await tx.query<{ person: Person }>('select person from person where id = $1', [id]))[0]?.person;
  }

  async secrets(tx: Tx, project: string, service: string): Promise<ReadonlyMap<string, string>> {
    const rows = await tx.query<{ name: string; version: string }>(
      'select name, version from secret_version where project = $1 and service = $2 and version is not null',
      [project, service],
    );
    return new Map(rows.map((row) => [row.name, row.version]));
  }

  async release(tx: Tx, id: string): Promise<KnownRelease | undefined> {
    const [row] = await tx.query<ReleaseRow>(`select ${releaseColumns} from release where id = $1`, [id]);
    return row && knownRelease(row);
  }

  async linksUpTo(tx: Tx, project: string, number: number): Promise<readonly Link[]> {
    return tx.query<Link & Record<string, unknown>>(
      `select number, line, release ->> 'revision' as revision, range_from as from from release where project = $1 and number <= $2`,
      [project, number],
    );
  }

  async releasesOf(tx: Tx, project: string, numbers: readonly number[]): Promise<readonly KnownRelease[]> {
    const rows = await tx.query<ReleaseRow>(
      `select ${releaseColumns} from release where project = $1 and number = any($2::int[]) order by number`,
      [project, numbers],
    );
    return rows.map(knownRelease);
  }

  async passage(tx: Tx, release: string, environment: string): Promise<Passage | undefined> {
    return (
      await tx.query<{ facts: Passage }>('select facts from passage where release = $1 and environment = $2', [release, environment])
    )[0]?.facts;
  }

  async passed(tx: Tx, release: string): Promise<readonly string[]> {
    return (await tx.query<{ environment: string }>('select environment from passage where release = $1', [release])).map(
      (row) => row.environment,
    );
  }

  async recentPassages(tx: Tx, project: string): Promise<readonly Passage[]> {
    return (
      await tx.query<{ facts: Passage }>('select facts from passage where project = $1 order by passed_at desc limit 50', [project])
    ).map((row) => row.facts);
  }

  async projectsOn(tx: Tx, target: string): Promise<readonly string[]> {
    const rows = await tx.query<{ name: string }>(
      `select name from project where file is not null and exists (select 1 from jsonb_array_elements(file -> 'spec' -> 'environments') as environment where environment ->> 'target' = $1)`,
      [target],
    );
    return rows.map((row) => row.name);
  }

  async standing(tx: Tx, project: string, environment: string): Promise<Standing | undefined> {
    return (
      await tx.query<Standing>(
        'select project, environment, release, image, address, barred from standing where project = $1 and environment = $2',
        [project, environment],
      )
    )[0];
  }
}

function knownRelease(row: ReleaseRow): KnownRelease {
  return {
    release: row.release,
    people: row.people,
    pusher: row.pusher,
    triggerPerson: row.trigger_person,
    from: row.range_from,
    commits: row.commits,
    commitTotal: row.commit_total,
    withdrawn: row.withdrawn_at !== null,
  };
}

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
