import { Injectable } from '@nestjs/common';
import type { AuditLink } from '@slipway/contracts';
import { Database } from '@slipway/postgres';
import type { Told } from '@slipway/release';
import type { EnvironmentFacts } from '../domain/environment-view.js';
import type { RequestView } from '../domain/request-view.js';
import {
  type Answer,
  type AuditHead,
  type CommandRow,
  type DeadLettered,
  type Issued,
  Ledger,
  type ReleaseRow,
  type SourceFailure,
} from '../ports.js';

const releaseColumns = 'state, about, born_at as "bornAt", changed_at as "changedAt"';
/** What became of a dead letter `d` by the last command about it that was carried out. */
const dealtWith = `coalesce(
         (select case c.issued -> 'action' ->> 'kind' when 'dead-letter.replay' then 'replayed' else 'discarded' end
          from command c join answer a on a.answers = c.id::text and a.source = c.service and a.name = 'command.accepted'
          where c.issued -> 'action' ->> 'kind' in ('dead-letter.replay', 'dead-letter.discard')
            and c.service = d.service and c.issued -> 'action' ->> 'id' = d.place
          order by a.at desc limit 1), 'open')`;
type StoredRelease = Omit<ReleaseRow, 'bornAt' | 'changedAt'> & { bornAt: Date; changedAt: Date };

/** {@link Ledger} in Postgres. */
@Injectable()
export class PostgresLedger extends Ledger {
  constructor(private readonly database: Database) {
    super();
  }

  async now(): Promise<Date> {
    const [row] = await this.database.query<{ now: Date }>('select now() as now');
    return (row as { now: Date }).now;
  }

  async release(id: string): Promise<ReleaseRow | undefined> {
    const [row] = await this.database.query<StoredRelease>(`select ${releaseColumns} from release where id = $1`, [id]);
    return row && inWords(row);
  }

  async releaseByNumber(project: string, number: number): Promise<ReleaseRow | undefined> {
    const [row] = await this.database.query<StoredRelease>(
      `select ${releaseColumns} from release where project = $1 and number = $2 order by born_at limit 1`,
      [project, number],
    );
    return row && inWords(row);
  }

  async story(release: string): Promise<readonly Told[]> {
    return (await this.database.query<{ told: Told }>('select told from release_event where release = $1', [release])).map(
      ({ told }) => told,
    );
  }

  async releases(where: Parameters<Ledger['releases']>[0]): Promise<readonly ReleaseRow[]> {
    const rows = await this.database.query<StoredRelease>(
      `select ${releaseColumns} from release
       where ($1::text[] is null or project = any($1)) and ($2::text is null or $2 = any(environments)) and ($3::text[] is null or phase = any($3))
         and ($4::timestamptz is null or changed_at < $4) and ($5::timestamptz is null or (born_at, id) < ($5, $6::uuid))
       order by born_at desc, id desc limit $7`,
      [
        where.projects,
        where.environment ?? null,
        where.phases ?? null,
        where.quietSince ?? null,
        where.after?.at ?? null,
        where.after?.id ?? null,
        where.limit,
      ],
    );
    return rows.map(inWords);
  }

  async countByPhase(): Promise<readonly { project: string; phase: string; count: number }[]> {
    return this.database.query('select project, phase, count(*)::int as count from release group by 1, 2');
  }

  async request(id: string): Promise<RequestView | undefined> {
    return (await this.database.query<{ view: RequestView }>('select view from request where id = $1', [id]))[0]?.view;
  }

  async requests(where: Parameters<Ledger['requests']>[0]): Promise<readonly RequestView[]> {
    const rows = await this.database.query<{ view: RequestView }>(
      `select view from request
       where ($1::text[] is null or project = any($1)) and ($2::text is null or state = $2)
         and ($3::text is null or (state = 'open'
           and exists (
             select 1 from json_array_elements(view -> 'require') as wanted, jsonb_to_recordset($7::jsonb) as held(role text, project text)
             where held.role = wanted ->> 'role' and held.project in ('*', request.project))
           and (not exists (select 1 from json_array_elements(view -> 'involved') as one where one ->> 'id' = $3)
             or exists (select 1 from json_array_elements(view -> 'eligible') as one where one ->> 'id' = $3))
           and not exists (select 1 from json_array_elements(view -> 'signOffs') as one where one -> 'person' ->> 'id' = $3)))
         and ($4::timestamptz is null or (requested_at, id) < ($4, $5::uuid))
       order by requested_at desc, id desc limit $6`,
      [
        ...[where.projects, where.state ?? null, where.eligible?.id ?? null, where.after?.at ?? null, where.after?.id ?? null, where.limit],
        JSON.stringify(where.eligible?.roles ?? []),
      ],
    );
    return rows.map(({ view }) => view);
  }

  async environments(project: string): Promise<readonly EnvironmentFacts[]> {
    const rows = await this.database.query<{ view: EnvironmentFacts }>('select view from environment where project = $1', [project]);
    return rows.map(({ view }) => view);
  }

  async drifted(projects: readonly string[] | null): Promise<readonly EnvironmentFacts[]> {
    const rows = await this.database.query<{ view: EnvironmentFacts }>(
      "select view from environment where ($1::text[] is null or project = any($1)) and view -> 'drifted' ->> 'value' = 'true' order by project, environment",
      [projects],
    );
    return rows.map(({ view }) => view);
  }

  async failingSources(projects: readonly string[] | null): Promise<ReadonlyMap<string, SourceFailure>> {
    const rows = await this.database.query<{ project: string; failing: SourceFailure }>(
      'select project, failing from source_told where failing is not null and ($1::text[] is null or project = any($1)) order by project',
      [projects],
    );
    return new Map(rows.map(({ project, failing }) => [project, failing]));
  }

  async command(id: string): Promise<CommandRow | undefined> {
    const [row] = await this.database.query<{ issued: Issued; issuedAt: Date; service: string }>(
      'select issued, issued_at as "issuedAt", service from command where id = $1',
      [id],
    );
    if (!row) return undefined;
    const answers = await this.answers([id]);
    return { issued: row.issued, issuedAt: row.issuedAt, answer: answers.find(({ source }) => source === row.service) };
  }

  async answers(to: readonly string[]): Promise<readonly Answer[]> {
    const rows = await this.database.query<Omit<Answer, 'at'> & { at: Date }>(
      'select answers, source, name, at, data from answer where answers = any($1)',
      [to],
    );
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }

  async deadLetters({ service, after, limit }: Parameters<Ledger['deadLetters']>[0]) {
    return this.database.query<{ data: DeadLettered; event: string; at: Date; state: 'open' | 'replayed' | 'discarded' }>(
      `select d.data, d.event_id as event, d.at, ${dealtWith} as state
       from dead_letter_told d
       where ($1::text is null or d.service = $1) and ($2::timestamptz is null or (d.at, d.event_id) < ($2, $3))
       order by d.at desc, d.event_id desc limit $4`,
      [service ?? null, after?.at ?? null, after?.id ?? null, limit],
    );
  }

  async deadLettersOf(events: readonly string[]): Promise<readonly { data: DeadLettered; at: Date }[]> {
    return this.database.query(
      `select d.data, d.at from dead_letter_told d where d.data ->> 'event' = any($1) and ${dealtWith} = 'open' order by d.at desc limit 100`,
      [events],
    );
  }

  async auditConflicts(): Promise<readonly { chain: string; sequence: number; reason: string }[]> {
    return this.database.query('select chain, sequence, reason from audit_conflict order by chain, sequence limit 10');
  }

  async audit(chain: string, after: number, limit: number): Promise<{ links: readonly AuditLink[]; head: AuditHead | null }> {
    const rows = await this.database.query<{ link: AuditLink }>(
      'select link from audit_link where chain = $1 and sequence > $2 order by sequence limit $3',
      [chain, after, limit],
    );
    const [head] = await this.database.query<Omit<AuditHead, 'at'> & { at: Date }>(
      'select chain, sequence, hash, at, envelope from audit_head where chain = $1',
      [chain],
    );
    return { links: rows.map(({ link }) => link), head: head ? { ...head, at: head.at.toISOString() } : null };
  }
}

function inWords(row: StoredRelease): ReleaseRow {
  return { ...row, bornAt: row.bornAt.toISOString(), changedAt: row.changedAt.toISOString() };
}
