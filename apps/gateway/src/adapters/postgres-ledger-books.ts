import { Injectable } from '@nestjs/common';
import type { AuditLink } from '@slipway/contracts';
import { advisoryNumber, Database, type Tx } from '@slipway/postgres';
import type { Placed, Told } from '@slipway/release';
import { placeOf } from '../domain/dead-letter-place.js';
import { type EnvironmentFacts, type EnvironmentPlace, freshEnvironment } from '../domain/environment-view.js';
import type { ReleaseAccount } from '../domain/release-account.js';
import type { RequestView } from '../domain/request-view.js';
import { type Answer, type AuditHead, type DeadLettered, type Issued, LedgerBooks, type ReleaseRow, type SourceFailure } from '../ports.js';
import { once } from './prepared-once.js';

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
    await tx.query(once('select pg_advisory_xact_lock_shared($1)'), [this.key]);
    await this.holdOff(
      tx,
      releases.map((id) => `release ${id}`),
    );
  }

  /** Others that write of one of these wait until the transaction ends. */
  protected async holdOff(tx: Tx, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    // In one order for everybody, or two that tell of the same two lock each other up.
    const keys = names.map((name) => advisoryNumber(this.database.schema, name)).sort();
    await tx.query(once('select array(select pg_advisory_xact_lock(key) is null from unnest($1::bigint[]) as key)'), [keys]);
  }

  async hold(tx: Tx): Promise<void> {
    await tx.query('select pg_advisory_xact_lock($1)', [this.key]);
  }

  async keepEvents(
    tx: Tx,
    all: readonly { event: Told; releases: readonly string[] }[],
  ): Promise<readonly { release: string; event: string }[]> {
    const rows = all.flatMap(({ event, releases }) => releases.map((release) => ({ release, event })));
    return await tx.query(
      once(`insert into ${this.at}release_event (release, event_id, told, source, subject, at, sequence, cause)
       select release, event_id, told::json, source, subject, at, sequence, cause
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::text[])
         as told (release, event_id, told, source, subject, at, sequence, cause)
       on conflict do nothing returning release, event_id as event`),
      [
        rows.map(({ release }) => release),
        rows.map(({ event }) => event.id),
        rows.map(({ event }) => JSON.stringify(event)),
        rows.map(({ event }) => event.source),
        rows.map(({ event }) => event.subject),
        rows.map(({ event }) => new Date(event.time)),
        rows.map(({ event }) => event.sequence ?? null),
        rows.map(({ event }) => event.causationId ?? null),
      ],
    );
  }

  async eventsOf(tx: Tx, release: string): Promise<readonly Told[]> {
    return (await tx.query<{ told: Told }>(`select told from ${this.at}release_event where release = $1`, [release])).map(
      ({ told }) => told,
    );
  }

  async eventsBeside(tx: Tx, all: readonly { release: string; event: Told }[]): Promise<readonly (readonly Placed[] | undefined)[]> {
    const others = `select event_id, source, subject, at, sequence, cause from ${this.at}release_event e
      where e.release = asked.release and event_id <> all($2::text[])`;
    // Nulls come first: an event of before its place was kept is found with the newest.
    const rows = await tx.query<Omit<Placed, 'time'> & { nth: number; at: Date | null }>(
      once(`select asked.nth::int as nth, beside.event_id as id, beside.source, beside.subject, beside.at,
         beside.sequence::float8 as sequence, beside.cause as "causationId"
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) with ordinality as asked (release, event_id, source, subject, nth), lateral (
         (${others} order by at desc, event_id collate "C" desc limit 1)
         union all (${others} and e.source = asked.source and e.subject = asked.subject and sequence is not null order by sequence desc limit 1)
         union all (${others} and cause = asked.event_id limit 1)
       ) as beside`),
      [
        all.map(({ release }) => release),
        all.map(({ event }) => event.id),
        all.map(({ event }) => event.source),
        all.map(({ event }) => event.subject),
      ],
    );
    const beside: (Placed[] | undefined)[] = all.map(() => []);
    for (const { nth, at, sequence, ...row } of rows) {
      if (at) beside[nth - 1]?.push({ ...row, time: at.toISOString(), sequence: sequence ?? undefined });
      else beside[nth - 1] = undefined;
    }
    return beside;
  }

  async accountsOf(tx: Tx, releases: readonly string[], requests: readonly string[]): Promise<ReadonlyMap<string, ReleaseAccount>> {
    const rows = await tx.query<Pick<ReleaseRow, 'state' | 'about'> & { id: string }>(
      once(`select id, state, about from ${this.at}release where id = any($1::uuid[])`),
      [releases],
    );
    const views =
      requests.length === 0
        ? []
        : await tx.query<{ id: string; release: string; view: RequestView }>(
            once(`select id, release, view from ${this.at}request where id = any($1::uuid[]) and release = any($2::uuid[])`),
            [requests, releases],
          );
    const viewsOf = Map.groupBy(views, ({ release }) => release);
    return new Map(
      rows.map(({ id, state, about }) => [
        id,
        { state, about, requests: new Map((viewsOf.get(id) ?? []).map((each) => [each.id, each.view])) },
      ]),
    );
  }

  async saveReleases(tx: Tx, rows: readonly ReleaseRow[]): Promise<void> {
    await tx.query(
      once(`insert into ${this.at}release (id, project, number, phase, environments, born_at, changed_at, about, state)
       select id, project, number, phase, array(select json_array_elements_text(environments::json)), born_at, changed_at, about::json, state::json
       from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[])
         as folded (id, project, number, phase, environments, born_at, changed_at, about, state)
       on conflict (id) do update set project = excluded.project, number = excluded.number, phase = excluded.phase, environments = excluded.environments,
         born_at = excluded.born_at, changed_at = excluded.changed_at, about = excluded.about, state = excluded.state`),
      [
        rows.map(({ state }) => state.release.id),
        rows.map(({ state }) => state.release.project),
        rows.map(({ state }) => state.release.number),
        rows.map(({ state }) => state.phase),
        rows.map(({ state }) => JSON.stringify(state.environments.map(({ environment }) => environment))),
        rows.map(({ bornAt }) => bornAt),
        rows.map(({ changedAt }) => changedAt),
        rows.map(({ about }) => JSON.stringify(about)),
        rows.map(({ state }) => JSON.stringify(state)),
      ],
    );
  }

  async saveRequests(tx: Tx, views: readonly RequestView[]): Promise<void> {
    await tx.query(
      once(`insert into ${this.at}request (id, release, project, environment, state, requested_at, view)
       select id, release, project, environment, state, requested_at, view::json
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
         as folded (id, release, project, environment, state, requested_at, view)
       on conflict (id) do update set state = excluded.state, requested_at = excluded.requested_at, view = excluded.view`),
      [
        views.map(({ request }) => request),
        views.map(({ release }) => release.id),
        views.map(({ release }) => release.project),
        views.map(({ environment }) => environment),
        views.map(({ state }) => state),
        views.map(({ requestedAt }) => requestedAt),
        views.map((view) => JSON.stringify(view)),
      ],
    );
  }

  async lockEnvironments(tx: Tx, places: readonly EnvironmentPlace[]): Promise<readonly EnvironmentFacts[]> {
    await this.holdOff(
      tx,
      places.map(({ project, environment }) => `environment ${project} ${environment}`),
    );
    const rows = await tx.query<{ nth: number; view: EnvironmentFacts }>(
      once(`select nth::int as nth, view from unnest($1::text[], $2::text[]) with ordinality as asked (project, environment, nth)
       join ${this.at}environment using (project, environment)`),
      [places.map(({ project }) => project), places.map(({ environment }) => environment)],
    );
    const views = new Map(rows.map(({ nth, view }) => [nth, view]));
    return places.map(({ project, environment }, at) => views.get(at + 1) ?? freshEnvironment(project, environment));
  }

  async saveEnvironments(tx: Tx, all: readonly EnvironmentFacts[]): Promise<void> {
    await tx.query(
      once(`insert into ${this.at}environment (project, environment, view)
       select project, environment, view::json from unnest($1::text[], $2::text[], $3::text[]) as folded (project, environment, view)
       on conflict (project, environment) do update set view = excluded.view`),
      [all.map(({ project }) => project), all.map(({ environment }) => environment), all.map((facts) => JSON.stringify(facts))],
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

  async auditHashes(tx: Tx, places: readonly { chain: string; sequence: number }[]) {
    return await tx.query<{ chain: string; sequence: number; hash: string }>(
      `select distinct chain, link.sequence, link ->> 'hash' as hash from unnest($1::text[], $2::int[]) as asked (chain, sequence)
       join ${this.at}audit_link link using (chain) where link.sequence in (asked.sequence, asked.sequence - 1)`,
      [places.map(({ chain }) => chain), places.map(({ sequence }) => sequence)],
    );
  }

  async keepLinks(tx: Tx, links: readonly AuditLink[]): Promise<void> {
    await tx.query(
      `insert into ${this.at}audit_link (chain, sequence, link)
       select chain, sequence, link::json from unnest($1::text[], $2::int[], $3::text[]) as told (chain, sequence, link) on conflict do nothing`,
      [links.map(({ chain }) => chain), links.map(({ sequence }) => sequence), links.map((link) => JSON.stringify(link))],
    );
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
