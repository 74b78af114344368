import { Injectable } from '@nestjs/common';
import type { PersonReference, ProjectFile } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import type { Known } from '../domain/movements.js';
import type { Watched } from '../domain/registration.js';
import { type Delivery, Sources, type WatchedSource } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';
import { json } from './json.js';

interface SourceRow {
  project: string;
  version: number;
  file: ProjectFile | null;
  generation: number;
  watched: Watched | null;
  asked: PersonReference | null;
  failing_code: string | null;
  failing_since: Date | null;
  failures: number;
  failure_said: boolean;
}

const columns = `${sealedColumns(sealedTables, 'source')}, watched, asked, failing_code, failing_since, failures, failure_said`;

/** Sources in Postgres; the row of a project is the lock for everything of it. */
@Injectable()
export class PostgresSources extends Sources {
  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
  ) {
    super();
  }

  async lock(tx: Tx, project: string): Promise<WatchedSource | undefined> {
    const [row] = await tx.query<SourceRow>(`select ${columns} from source where project = $1 for update`, [project]);
    return row && sourceOf(this.seals.believed('source', row));
  }

  async find(project: string): Promise<WatchedSource | undefined> {
    const [row] = await this.database.query<SourceRow>(`select ${columns} from source where project = $1`, [project]);
    return row && sourceOf(this.seals.believed('source', row));
  }

  async apply(tx: Tx, project: string, version: number, file: ProjectFile | null): Promise<{ before: WatchedSource | undefined } | false> {
    const fresh = await tx.query(
      'insert into source (project, version, file, seal) values ($1, $2, $3, $4) on conflict do nothing returning project',
      [project, version, json(file), this.seals.of('source', { project, version, file, generation: 1 })],
    );
    if (fresh.length > 0) return { before: undefined };
    const before = await this.lock(tx, project);
    if (!before || before.version >= version) return false;
    const moved = placeOf(before.file) !== placeOf(file);
    const generation = before.generation + (moved ? 1 : 0);
    await tx.query(
      `update source set version = $2, file = $3, generation = $4,
         watched = case when $5 then null else watched end, svn_uuid = case when $5 then null else svn_uuid end,
         failures = 0, seal = $6 where project = $1`,
      [project, version, json(file), generation, moved, this.seals.of('source', { project, version, file, generation })],
    );
    // Another repository's branches say nothing about this one's.
    if (moved) await tx.query('delete from head where project = $1', [project]);
    return { before };
  }

  async live(): Promise<{ project: string; generation: number }[]> {
    return this.database.query('select project, generation from source where file is not null');
  }

  async ofSubversion(uuid: string): Promise<WatchedSource[]> {
    const rows = await this.database.query<SourceRow>(`select ${columns} from source where svn_uuid = $1 and file is not null`, [uuid]);
    return this.seals.those('source', rows).map(sourceOf);
  }

  async knownHeads(project: string): Promise<Known[]> {
    const rows = await this.database.query<Known>(`select ${sealedColumns(sealedTables, 'head')} from head where project = $1`, [project]);
    return rows.map((row) => this.seals.believed('head', row)).map(({ ref, revision }) => ({ ref, revision }));
  }

  async keepHead(tx: Tx, project: string, head: Known): Promise<void> {
    await tx.query(
      `insert into head (project, ref, revision, seal) values ($1, $2, $3, $4)
       on conflict (project, ref) do update set revision = excluded.revision, seen_at = now(), seal = excluded.seal`,
      [project, head.ref, head.revision, this.seals.of('head', { project, ref: head.ref, revision: head.revision })],
    );
  }

  async dropHead(tx: Tx, project: string, ref: string): Promise<void> {
    await tx.query('delete from head where project = $1 and ref = $2', [project, ref]);
  }

  async polled(tx: Tx, project: string, watched: Watched, uuid: string | undefined): Promise<void> {
    await tx.query(
      `update source set watched = $2, svn_uuid = coalesce($3, svn_uuid), asked = null, polled_at = now(),
         failing_code = null, failing_since = null, failures = 0, failure_said = false where project = $1`,
      [project, json(watched), uuid ?? null],
    );
  }

  async failed(tx: Tx, project: string, { code, said }: { code: string; said: boolean }): Promise<void> {
    await tx.query(
      `update source set failing_code = $2, failing_since = coalesce(failing_since, now()), failures = failures + 1,
         failure_said = failure_said or $3, polled_at = now() where project = $1`,
      [project, code, said],
    );
  }

  async ask(tx: Tx, project: string, person: PersonReference): Promise<void> {
    await tx.query('update source set asked = $2 where project = $1', [project, json(person)]);
  }

  async allocate(tx: Tx, project: string): Promise<number> {
    const [row] = await tx.query<{ number: number }>(
      'update source set next_number = next_number + 1 where project = $1 returning next_number - 1 as number',
      [project],
    );
    if (!row) throw new Error(`there is no source of project ${project}`);
    return row.number;
  }

  async deliver(tx: Tx, { project, id, ref, revision, pusher }: Delivery): Promise<boolean> {
    const rows = await tx.query(
      'insert into delivery (project, id, ref, revision, pusher) values ($1, $2, $3, $4, $5) on conflict do nothing returning id',
      [project, id, ref, revision, json(pusher)],
    );
    return rows.length > 0;
  }

  async deliveries(project: string, revisions: readonly string[]): Promise<Delivery[]> {
    return this.database.query<Delivery>(
      'select project, id, ref, revision, pusher from delivery where project = $1 and revision = any($2) order by received_at desc limit 500',
      [project, revisions],
    );
  }

  async forgetDeliveries(olderThanDays: number): Promise<void> {
    await this.database.query('delete from delivery where received_at < now() - make_interval(days => $1)', [olderThanDays]);
  }

  async secretVersion(
    tx: Tx,
    { project, name, service, version }: { project: string; name: string; service: string; version: string | null },
  ): Promise<boolean> {
    const [before] = await tx.query<{ version: string | null }>(
      'select version from secret_version where project = $1 and name = $2 and service = $3 for update',
      [project, name, service],
    );
    await tx.query(
      `insert into secret_version (project, name, service, version) values ($1, $2, $3, $4)
       on conflict (project, name, service) do update set version = coalesce(excluded.version, secret_version.version)`,
      [project, name, service, version],
    );
    return version !== null && before !== undefined && before.version !== null && before.version !== version;
  }
}

function sourceOf(row: SourceRow): WatchedSource {
  const { failing_code: code, failing_since: since, failures: count, failure_said: said, ...rest } = row;
  return { ...rest, failure: code !== null && since !== null ? { code, since, count, said } : null };
}

/** What makes it another repository: where it is. */
function placeOf(file: ProjectFile | null): string | null {
  const source = file?.spec.source;
  return source?.git ? `git ${source.git.url}` : source?.svn ? `svn ${source.svn.url}` : null;
}
