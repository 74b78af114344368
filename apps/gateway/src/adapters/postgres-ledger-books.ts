import { Injectable } from '@nestjs/common';
import type { AuditLink } from '@slipway/contracts';
import { advisoryNumber, Database, type Tx } from '@slipway/postgres';
import type { Placed, Told } from '@slipway/release';
import type { Beside } from '../domain/audit-fit.js';
import { placeOf } from '../domain/dead-letter-place.js';
import { type EnvironmentFacts, freshEnvironment } from '../domain/environment-view.js';
import type { ReleaseAccount } from '../domain/release-account.js';
import type { RequestView } from '../domain/request-view.js';
import { type Answer, type AuditHead, type DeadLettered, type Issued, LedgerBooks, type ReleaseRow, type SourceFailure } from '../ports.js';

/** {@link LedgerBooks} in Postgres. */
@Injectable()
export class PostgresLedgerBooks extends LedgerBooks {
  /** Before the name of every table: where another set of the same tables is written. */
  protected readonly at: string = '';
  private readonly key: string;

  constructor(private readonly database: Database) {
    super();
    this.key = advisoryNumber(database.schema, 'ledger');
  }

  async open(tx: Tx, releases: readonly string[]): Promise<void> {
    // In one order for everybody, or two that tell of the same two releases lock each other up.
    const keys = [...releases].sort().map((id) => advisoryNumber(this.database.schema, `release ${id}`));
    await tx.query(
      'select pg_advisory_xact_lock_shared($1), array(select pg_advisory_xact_lock(key) is null from unnest($2::bigint[]) as key)',
      [this.key, keys],
    );
  }

  async hold(tx: Tx): Promise<void> {
    await tx.query('select pg_advisory_xact_lock($1)', [this.key]);
  }

  async keepEvent(tx: Tx, event: Told, releases: readonly string[]): Promise<readonly string[]> {
    const { id, source, subject, time, sequence = null, causationId = null } = event;
    const rows = await tx.query<{ release: string }>(
      `insert into ${this.at}release_event (release, event_id, told, source, subject, at, sequence, cause)
       select release, $2, $3::json, $4, $5, $6, $7, $8 from unnest($1::uuid[]) as release on conflict do nothing returning release`,
      [releases, id, JSON.stringify(event), source, subject, new Date(time), sequence, causationId],
    );
    return rows.map(({ release }) => release);
  }

  async eventsOf(tx: Tx, release: string): Promise<readonly Told[]> {
    return (await tx.query<{ told: Told }>(`select told from ${this.at}release_event where release = $1`, [release])).map(
      ({ told }) => told,
    );
  }

  async eventsBeside(tx: Tx, release: string, event: Told): Promise<readonly Placed[] | undefined> {
    const others = `select event_id, source, subject, at, sequence, cause from ${this.at}release_event where release = $1 and event_id <> $2`;
    // Nulls come first: an event of before its place was kept is found with the newest.
    const rows = await tx.query<Omit<Placed, 'time'> & { at: Date | null }>(
      `select event_id as id, source, subject, at, sequence::float8 as sequence, cause as "causationId" from (
         (${others} order by at desc, event_id collate "C" desc limit 1)
         union all (${others} and source = $3 and subject = $4 and sequence is not null order by sequence desc limit 1)
         union all (${others} and cause = $2 limit 1)
       ) as beside`,
      [release, event.id, event.source, event.subject],
    );
    const placed = rows.flatMap(({ at, ...row }) => (at ? [{ ...row, time: at.toISOString(), sequence: row.sequence ?? undefined }] : []));
    return placed.length === rows.length ? placed : undefined;
  }

  async accountOf(tx: Tx, release: string, request: string | undefined): Promise<ReleaseAccount | undefined> {
    const [row] = await tx.query<Pick<ReleaseRow, 'state' | 'about'>>(`select state, about from ${this.at}release where id = $1`, [
      release,
    ]);
    if (!row) return undefined;
    const views =
      request === undefined
        ? []
        : await tx.query<{ id: string; view: RequestView }>(`select id, view from ${this.at}request where id = $1 and release = $2`, [
            request,
            release,
          ]);
    return { ...row, requests: new Map(views.map(({ id, view }) => [id, view])) };
  }

  async saveRelease(tx: Tx, { state, about, bornAt, changedAt }: ReleaseRow): Promise<void> {
    const { id, project, number } = state.release;
    const environments = state.environments.map(({ environment }) => environment);
    await tx.query(
      `insert into ${this.at}release (id, project, number, phase, environments, born_at, changed_at, about, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (id) do update set project = excluded.project, number = excluded.number, phase = excluded.phase, environments = excluded.environments,
         born_at = excluded.born_at, changed_at = excluded.changed_at, about = excluded.about, state = excluded.state`,
      [id, project, number, state.phase, environments, bornAt, changedAt, JSON.stringify(about), JSON.stringify(state)],
    );
  }

  async saveRequest(tx: Tx, view: RequestView): Promise<void> {
    await tx.query(
      `insert into ${this.at}request (id, release, project, environment, state, requested_at, view) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (id) do update set state = excluded.state, requested_at = excluded.requested_at, view = excluded.view`,
      [view.request, view.release.id, view.release.project, view.environment, view.state, view.requestedAt, JSON.stringify(view)],
    );
  }

  async lockEnvironment(tx: Tx, project: string, environment: string): Promise<EnvironmentFacts> {
    await tx.query('select pg_advisory_xact_lock($1)', [advisoryNumber(this.database.schema, `environment ${project} ${environment}`)]);
    const [row] = await tx.query<{ view: EnvironmentFacts }>(
      `select view from ${this.at}environment where project = $1 and environment = $2`,
      [project, environment],
    );
    return row?.view ?? freshEnvironment(project, environment);
  }

  async saveEnvironment(tx: Tx, facts: EnvironmentFacts): Promise<void> {
    await tx.query(
      `insert into ${this.at}environment (project, environment, view) values ($1, $2, $3) on conflict (project, environment) do update set view = excluded.view`,
      [facts.project, facts.environment, JSON.stringify(facts)],
    );
  }

  async keepCommand(tx: Tx, issued: Issued, at: string): Promise<void> {
    await tx.query(
      `insert into ${this.at}command (id, service, issued_at, issued) values ($1, $2, $3, $4) on conflict (id) do update set issued_at = excluded.issued_at`,
      [issued.command, issued.service, at, JSON.stringify(issued)],
    );
  }

  async keepAnswer(tx: Tx, { answers, source, name, at, data }: Answer): Promise<void> {
    await tx.query(`insert into ${this.at}answer (answers, source, name, at, data) values ($1, $2, $3, $4, $5) on conflict do nothing`, [
      answers,
      source,
      name,
      at,
      JSON.stringify(data),
    ]);
  }

  async keepDeadLetter(tx: Tx, event: string, at: string, data: DeadLettered): Promise<void> {
    const place = placeOf(data);
    await tx.query(
      `insert into ${this.at}dead_letter_told (service, place, at, event_id, data) values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [data.service, place, at, event, JSON.stringify(data)],
    );
  }

  async keepSource(tx: Tx, project: string, at: string, failing: SourceFailure | null): Promise<void> {
    await tx.query(
      `insert into ${this.at}source_told (project, at, failing) values ($1, $2, $3)
       on conflict (project) do update set at = excluded.at, failing = excluded.failing where ${this.at}source_told.at <= excluded.at`,
      [project, at, failing && JSON.stringify(failing)],
    );
  }

  async auditBeside(tx: Tx, chain: string, sequence: number): Promise<Beside> {
    const rows = await tx.query<{ sequence: number; hash: string }>(
      `select sequence, link ->> 'hash' as hash from ${this.at}audit_link where chain = $1 and sequence in ($2, $2 - 1)`,
      [chain, sequence],
    );
    const at = (place: number) => rows.find((row) => row.sequence === place)?.hash;
    return { same: at(sequence), before: at(sequence - 1) };
  }

  async keepLink(tx: Tx, link: AuditLink): Promise<void> {
    await tx.query(`insert into ${this.at}audit_link (chain, sequence, link) values ($1, $2, $3) on conflict do nothing`, [
      link.chain,
      link.sequence,
      JSON.stringify(link),
    ]);
  }

  async keepConflict(tx: Tx, link: AuditLink, reason: string): Promise<void> {
    await tx.query(
      `insert into ${this.at}audit_conflict (chain, sequence, hash, reason, link) values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [link.chain, link.sequence, link.hash, reason, JSON.stringify(link)],
    );
  }

  async keepHead(tx: Tx, head: AuditHead): Promise<void> {
    await tx.query(
      `insert into ${this.at}audit_head (chain, sequence, hash, at, envelope) values ($1, $2, $3, $4, $5)
       on conflict (chain) do update set sequence = excluded.sequence, hash = excluded.hash, at = excluded.at, envelope = excluded.envelope
       where ${this.at}audit_head.sequence < excluded.sequence`,
      [head.chain, head.sequence, head.hash, head.at, JSON.stringify(head.envelope)],
    );
  }
}
