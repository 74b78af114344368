import { Injectable } from '@nestjs/common';
import type { Person, Release } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { keepNewer, newestRow } from '@slipway/service-kit';
import type { Link } from '../domain/change.js';
import { type AppliedProject, type AppliedTarget, Knowledge, type KnownRelease, type Passage, type Runs, type Standing } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';
import { ReleaseLinks } from './release-links.js';
import { knownRelease, type ReleaseRow, releaseRowOf } from './release-rows.js';
import { type BarsRow, StandingBars } from './standing-bars.js';

const columns = (table: keyof typeof sealedTables) => sealedColumns(sealedTables, table);
const peopleQuery = `select ${columns('person')} from person`;

/** {@link Knowledge} in approval's own tables; every row is sealed, and none is believed without its seal. */
@Injectable()
export class PostgresKnowledge extends Knowledge {
  private readonly bars: StandingBars;

  constructor(private readonly seals: RowSeals) {
    super();
    this.bars = new StandingBars(seals);
  }

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
    return keepNewer(tx, this.seals, 'project', { name, version, file });
  }

  async keepTarget(tx: Tx, { name, version, file }: AppliedTarget): Promise<boolean> {
    return keepNewer(tx, this.seals, 'target', { name, version, file });
  }

  async keepPerson(tx: Tx, person: Person, version: number): Promise<boolean> {
    return keepNewer(tx, this.seals, 'person', { id: person.id, version, person });
  }

  async keepSecrets(tx: Tx, project: string, service: string, secrets: readonly { name: string; version: string | null }[]): Promise<void> {
    for (const { name, version } of secrets) {
      await tx.query(
        `insert into secret_version (project, name, service, version, seal) values ($1, $2, $3, $4, $5)
         on conflict (project, name, service) do update set version = excluded.version, seal = excluded.seal`,
        [project, name, service, version, this.seals.of('secret_version', { project, name, service, version })],
      );
    }
  }

  async keepRelease(tx: Tx, known: KnownRelease, merged: readonly number[] | null): Promise<void> {
    const row = { ...releaseRowOf(known, null), merged: merged ?? [] };
    const { id, project, number, line, release, people, pusher, trigger_person, range_from, commits, commit_total } = row;
    await tx.query(
      `insert into release (id, project, number, line, release, people, pusher, trigger_person, range_from, commits, commit_total, merged, seal, link_seal, merged_seal)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict (id) do nothing`,
      [
        ...[id, project, number, line, json(release), json(people), json(pusher), trigger_person, range_from, json(commits), commit_total],
        ...[row.merged, this.seals.of('release', row), this.seals.of('release link', row)],
        merged && this.seals.of('release merges', row),
      ],
    );
  }

  async withdraw(tx: Tx, known: KnownRelease, at: Date): Promise<void> {
    const row = releaseRowOf(known, at);
    await tx.query('update release set withdrawn_at = $2, seal = $3 where id = $1', [row.id, at, this.seals.of('release', row)]);
  }

  async keepPassage(tx: Tx, passage: Passage): Promise<void> {
    const { release, environment } = passage;
    const passedAt = new Date(passage.passedAt);
    const row = { release: release.id, environment, project: release.project, facts: passage, passed_at: passedAt };
    await tx.query(
      `insert into passage (release, environment, project, facts, passed_at, seal) values ($1, $2, $3, $4, $5, $6)
       on conflict (release, environment) do update set facts = excluded.facts, passed_at = excluded.passed_at, seal = excluded.seal`,
      [release.id, environment, release.project, json(passage), passedAt, this.seals.of('passage', row)],
    );
  }

  async keepStanding(tx: Tx, place: { project: string; environment: string }, what: Runs | null, at: Date): Promise<boolean> {
    const row = { ...place, ...(what ?? nothing) };
    const [kept] = await tx.query<BarsRow>(
      `insert into standing (project, environment, release, image, address, changed_at, seal) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (project, environment) do update set release = excluded.release, image = excluded.image, address = excluded.address,
         changed_at = excluded.changed_at, seal = excluded.seal where standing.changed_at <= excluded.changed_at
       returning project, environment, barred, barred_seal`,
      [row.project, row.environment, json(row.release), json(row.image), row.address, at, this.seals.of('standing', row)],
    );
    if (kept) await this.bars.mend(tx, kept);
    return kept !== undefined;
  }

  async bar(tx: Tx, project: string, environment: string, number: number): Promise<void> {
    await tx.query(
      `insert into standing (project, environment, changed_at, seal) values ($1, $2, '-infinity', $3) on conflict (project, environment) do nothing`,
      [project, environment, this.seals.of('standing', { project, environment, ...nothing })],
    );
    await this.bars.change(tx, { project, environment }, (before) => [...before.filter((each) => each !== number), number]);
  }

  async unbar(tx: Tx, project: string, environment: string, number: number): Promise<void> {
    // Hardly ever barred: then the row, which every rollout of the project writes, is not waited for.
    const rows = await tx.query('select 1 from standing where project = $1 and environment = $2 and $3::int = any(barred)', [
      project,
      environment,
      number,
    ]);
    if (rows.length > 0) await this.bars.change(tx, { project, environment }, (before) => before.filter((each) => each !== number));
  }

  async project(tx: Tx, name: string): Promise<AppliedProject | undefined> {
    return newestRow(tx, this.seals, 'project', name);
  }

  async target(tx: Tx, name: string): Promise<AppliedTarget | undefined> {
    return newestRow(tx, this.seals, 'target', name);
  }

  async people(tx: Tx): Promise<readonly Person[]> {
    return this.seals.those('person', await tx.query<{ person: Person }>(peopleQuery)).map(({ person }) => person);
  }

  async everybody(tx: Tx): Promise<readonly Person[] | undefined> {
    const rows = await tx.query<{ person: Person }>(peopleQuery);
    const people = this.seals.those('person', rows).map(({ person }) => person);
    return people.length === rows.length ? people : undefined;
  }

  async person(tx: Tx, id: string): Promise<Person | undefined> {
    return (await newestRow<{ person: Person }>(tx, this.seals, 'person', id))?.person;
  }

  async secrets(tx: Tx, project: string, service: string): Promise<ReadonlyMap<string, string>> {
    const rows = await tx.query<{ name: string; version: string }>(
      `select ${columns('secret_version')} from secret_version where project = $1 and service = $2 and version is not null`,
      [project, service],
    );
    return new Map(this.seals.those('secret_version', rows).map((row) => [row.name, row.version]));
  }

  async release(tx: Tx, id: string): Promise<KnownRelease | undefined> {
    const [row] = await tx.query<ReleaseRow>(`select ${columns('release')} from release where id = $1`, [id]);
    return row && knownRelease(this.seals.believed('release', row));
  }

  async linksUpTo(tx: Tx, project: string, number: number): Promise<readonly Link[]> {
    return new ReleaseLinks(this.seals).upTo(tx, project, number);
  }

  async releasesOf(tx: Tx, project: string, numbers: readonly number[]): Promise<readonly KnownRelease[]> {
    const rows = await tx.query<ReleaseRow>(
      `select ${columns('release')} from release where project = $1 and number = any($2::int[]) order by number`,
      [project, numbers],
    );
    return rows.map((row) => knownRelease(this.seals.believed('release', row)));
  }

  async passage(tx: Tx, release: string, environment: string): Promise<Passage | undefined> {
    const [row] = await tx.query<{ facts: Passage }>(`select ${columns('passage')} from passage where release = $1 and environment = $2`, [
      release,
      environment,
    ]);
    return row && this.seals.believed('passage', row).facts;
  }

  async passed(tx: Tx, release: string): Promise<readonly string[]> {
    const rows = await tx.query<{ environment: string }>(`select ${columns('passage')} from passage where release = $1`, [release]);
    return this.seals.those('passage', rows).map((row) => row.environment);
  }

  async recentPassages(tx: Tx, project: string): Promise<readonly Passage[]> {
    const rows = await tx.query<{ facts: Passage }>(
      `select ${columns('passage')} from passage where project = $1 order by passed_at desc limit 50`,
      [project],
    );
    return this.seals.those('passage', rows).map((row) => row.facts);
  }

  async projectsOn(tx: Tx, target: string): Promise<readonly string[]> {
    const rows = await tx.query<{ name: string }>(
      `select name from project where file is not null and exists (select 1 from jsonb_array_elements(file -> 'spec' -> 'environments') as environment where environment ->> 'target' = $1)`,
      [target],
    );
    return rows.map((row) => row.name);
  }

  async standing(tx: Tx, project: string, environment: string): Promise<Standing | undefined> {
    const [row] = await tx.query<Standing & { barred_seal: string | null }>(
      `select ${columns('standing')}, barred, barred_seal from standing where project = $1 and environment = $2`,
      [project, environment],
    );
    return row && { ...this.seals.believed('standing', row), barred: this.bars.of(row) };
  }

  async running(tx: Tx, project: string, environment: string): Promise<Release | null> {
    const [row] = await tx.query<Standing>(`select ${columns('standing')} from standing where project = $1 and environment = $2`, [
      project,
      environment,
    ]);
    return row ? this.seals.believed('standing', row).release : null;
  }
}

const nothing = { release: null, image: null, address: null };

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
