import { Injectable } from '@nestjs/common';
import type { CommandAction, ProjectFile, Reason } from '@slipway/contracts';
import { advisoryNumber, Database, type Tx } from '@slipway/postgres';
import type { Keeper } from '../domain/image-retention.js';
import { Retention } from '../ports.js';

/** Releases read at a time: their states are large. */
const atOnce = 1000;
/** What somebody asked for in the last days keeps its image, however short images are kept otherwise. */
const askedDays = 30;

/** {@link Retention} beside the ledger's tables: what was retired, before its event has come back, and after. */
@Injectable()
export class PostgresRetention extends Retention {
  private readonly key: string;

  constructor(private readonly database: Database) {
    super();
    this.key = advisoryNumber(database.schema, 'image retention');
  }

  async daysAgo(days: number): Promise<Date> {
    const [row] = await this.database.query<{ at: Date }>('select now() - make_interval(days => $1) as at', [days]);
    return (row as { at: Date }).at;
  }

  async understoodAll(): Promise<boolean> {
    const rows = await this.database.query(
      `(select 1 from parked limit 1)
       union all (select 1 from dead_letter where resolved_at is null and source is not null and source not like 'outside:%' limit 1)`,
    );
    return rows.length === 0;
  }

  async projects(before: Date): Promise<readonly string[]> {
    const rows = await this.database.query<{ project: string }>(
      `select distinct project from release r where born_at < $1 and not exists (select from retired_release where release = r.id) order by project`,
      [before],
    );
    return rows.map(({ project }) => project);
  }

  async releasesOf(project: string): Promise<readonly Keeper[]> {
    const all: Keeper[] = [];
    for (let after = 0; ; ) {
      const rows = await this.database.query<Omit<Keeper, 'changedAt'> & { changedAt: Date; retired: boolean }>(
        `select id, number, phase, changed_at as "changedAt", cardinality(environments) > 0 as "isAnywhere", state -> 'release' ->> 'line' as line,
           (state ->> 'image')::json as image, state -> 'retired' is not null as retired,
           coalesce((select json_agg(json_build_object('environment', each ->> 'environment', 'since', each ->> 'since'))
             from json_array_elements(state -> 'environments') as each where (each ->> 'runs')::boolean), '[]') as runs
         from release r where project = $1 and number > $2 and not exists (select from retired_release where release = r.id)
         order by number, id limit $3`,
        [project, after, atOnce],
      );
      // What an earlier database of ours retired came back with its event.
      all.push(
        ...rows
          .filter(({ retired }) => !retired)
          .map(({ retired: _, changedAt, ...row }) => ({ ...row, changedAt: changedAt.toISOString() })),
      );
      const last = rows.at(-1);
      if (!last || rows.length < atOnce) return all;
      after = last.number;
    }
  }

  async named(tx: Pick<Tx, 'query'> = this.database): Promise<ReadonlySet<string>> {
    const rows = await tx.query<{ digest: string }>(
      `select distinct lower(found[1]) as digest from (
         select file::text as said from project where file is not null
         union all
         select told -> 'data' ->> 'repositoryFile' from release_event e
         where told -> 'data' ->> 'repositoryFile' like '%sha256:%' and not exists (select from retired_release where release = e.release)
       ) as files, regexp_matches(said, 'sha256:[0-9a-f]{64}', 'gi') as found`,
    );
    return new Set(rows.map(({ digest }) => digest));
  }

  async unasked(tx: Tx, releases: readonly Keeper[], since: Date): Promise<ReadonlySet<string>> {
    await tx.query('select pg_advisory_xact_lock($1)', [this.key]);
    const rows = await tx.query<{ id: string }>(
      // What somebody asked for may not show in the ledger for long: it waits for its service, or that for a target.
      `select r.id from unnest($1::uuid[], $2::timestamptz[]) as read (id, changed_at) join release r using (id, changed_at)
       where not exists (select from retired_release where release = r.id) and not exists (
         select from command c
         where (lower(issued -> 'action' ->> 'release') = r.id::text
             or (issued -> 'action' ->> 'project' = r.project and issued -> 'action' ->> 'to' = r.number::text))
           and (issued_at >= least($3, now() - make_interval(days => $4))
             or not exists (select from answer a where a.answers = c.id::text and a.source = c.service)))`,
      [releases.map(({ id }) => id), releases.map(({ changedAt }) => changedAt), since, askedDays],
    );
    return new Set(rows.map(({ id }) => id));
  }

  async retire(tx: Tx, releases: readonly string[]): Promise<void> {
    await tx.query('insert into retired_release (release) select unnest($1::uuid[]) on conflict do nothing', [releases]);
  }

  async refusal(tx: Tx, action: CommandAction): Promise<Reason | undefined> {
    const [release, project, number] = neededBy(action);
    if (release === null && number === null) return undefined;
    await tx.query('select pg_advisory_xact_lock_shared($1)', [this.key]);
    const [row] = await tx.query<{ number: number; since: Date }>(
      `select number, coalesce(t.retired_at, (state -> 'retired' ->> 'at')::timestamptz) as since
       from release r left join retired_release t on t.release = r.id
       where (r.id = $1::uuid or (r.project = $2 and r.number = $3)) and (t.release is not null or state -> 'retired' is not null) limit 1`,
      [release, project, number],
    );
    if (!row) return undefined;
    const message = `the image of release ${row.number} is kept no longer since ${row.since.toISOString()}: a new tag on its revision builds it anew`;
    return { code: 'image-retired', message };
  }

  async refusalOf(tx: Tx, file: ProjectFile): Promise<Reason | undefined> {
    const images = JSON.stringify(file).match(/[^"\s]+@sha256:[0-9a-f]{64}/g);
    if (!images) return undefined;
    await tx.query('select pg_advisory_xact_lock_shared($1)', [this.key]);
    const [row] = await tx.query<{ image: string; since: Date }>(
      `select image, max(since) as since from (
         select (state -> 'image' ->> 'repository') || '@' || (state -> 'image' ->> 'digest') as image,
           coalesce(t.retired_at, (state -> 'retired' ->> 'at')::timestamptz) as since
         from release r left join retired_release t on t.release = r.id
       ) as kept where image = any($1) group by image having bool_and(since is not null) limit 1`,
      [images],
    );
    if (!row) return undefined;
    return { code: 'image-retired', message: `the image ${row.image} is kept no longer since ${row.since.toISOString()}: name another` };
  }

  async follow(): Promise<void> {
    await this.database.query(
      `update retired_release t set refused = (state -> 'retired' ->> 'refused')::json, removed_at = (state -> 'retired' ->> 'removedAt')::timestamptz
       from release r where r.id = t.release and t.removed_at is null and state -> 'retired' is not null
         and (state -> 'retired' ->> 'removedAt' is not null or state -> 'retired' ->> 'refused' is distinct from t.refused::text)`,
    );
  }

  async refused(projects: readonly string[] | null): Promise<readonly { reason: Reason; releases: number }[]> {
    return this.database.query(
      `select json_build_object('code', refused ->> 'code', 'message', min(refused ->> 'message')) as reason, count(*)::int as releases
       from retired_release t join release r on r.id = t.release
       where removed_at is null and refused ->> 'code' is not null and ($1::text[] is null or project = any($1))
       group by refused ->> 'code' order by 2 desc`,
      [projects],
    );
  }
}

/** The release whose image a command needs: by id, or by project and number. */
function neededBy(action: CommandAction): readonly [release: string | null, project: string | null, number: number | null] {
  switch (action.kind) {
    case 'release.retry':
    case 'approval.ask':
    case 'environment.deploy':
      return [action.release, null, null];
    case 'environment.rollback':
      return [null, action.project, action.to];
    default:
      return [null, null, null];
  }
}
