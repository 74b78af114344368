import { type Service, services } from '@slipway/contracts';
import pg from 'pg';

/** Hops from one service to another, in ms. */
export interface Hop {
  readonly event: string;
  readonly from: Service;
  readonly to: Service;
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** How far a run has come. */
export interface Progress {
  readonly born: number;
  /** Serve in production. */
  readonly live: number;
  /** Came to an end before that. */
  readonly ended: number;
}

/** How one table grew. */
export interface TableSize {
  readonly table: string;
  readonly rows: number;
  readonly kib: number;
}

export interface Statement {
  readonly service: string;
  readonly query: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

const schemas = new Map(services.map((service) => [service, `slipway_${service.replaceAll('-', '_')}`]));

/** The services' tables as the administrator of the database sees them, beside the services. */
export class Records {
  readonly #pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  static async at(url: string): Promise<Records> {
    const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 10_000, application_name: 'growth' });
    pool.on('error', () => undefined);
    const records = new Records(pool);
    await records.query('create extension if not exists pg_stat_statements');
    return records;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  /** By the clock that all times here are of. */
  async now(): Promise<Date> {
    const [row] = await this.query<{ now: Date }>('select clock_timestamp() as now');
    return (row as { now: Date }).now;
  }

  /**
   * Releases that were born since then, those that serve in production, and those that ended otherwise; cheap enough to be asked again and again. A rollout
   * that was aborted because what it replaces had changed is asked for anew, and its release is not at its end.
   */
  async progress(since: Date): Promise<Progress> {
    const [row] = await this.query<Progress>(
      `select (select count(*)::int from slipway_source_watcher.release where born_at >= $1) as born,
         (select count(distinct release)::int from slipway_production_rollout.rollout where created_at >= $1 and state = 'succeeded') as live,
         (select count(distinct release)::int from slipway_production_rollout.rollout over
           where created_at >= $1 and state in ('failed', 'aborted')
             and not exists (select from slipway_approval.request asked where asked.release = over.release and asked.environment = over.environment
               and asked.id <> over.request and asked.state in ('open', 'granted')))
           + (select count(*)::int from slipway_test_deployer.deployment where created_at >= $1 and state in ('failed', 'superseded', 'cancelled'))
           + (select count(*)::int from slipway_image_builder.build where created_at >= $1 and state in ('failed', 'cancelled')) as ended`,
      [since],
    );
    return row as Progress;
  }

  /** From the first birth since then to the last end, in ms. */
  async wall(since: Date): Promise<number> {
    const [row] = await this.query<{ ms: number }>(
      `select extract(epoch from
         (select max(created_at) from ${said('production-rollout')} where created_at >= $1 and headers ->> 'ce_type' like 'slipway.rollout.succeeded.v%')
         - (select min(born_at) from slipway_source_watcher.release where born_at >= $1))::float8 * 1000 as ms`,
      [since],
    );
    return (row as { ms: number }).ms;
  }

  /**
   * Every hop between two services since then: from the clock of the transaction in which A said it, which is a little before its commit, to the commit
   * in B that holds what became of it.
   */
  async hops(since: Date): Promise<Hop[]> {
    const pairs = services.flatMap((from) => services.filter((to) => to !== from).map((to) => [from, to] as const));
    const found: Hop[] = [];
    for (const [from, to] of pairs) {
      const rows = await this.query<Omit<Hop, 'from' | 'to'>>(
        `select event, count(*)::int as count, percentile_cont(0.5) within group (order by ms)::float8 as p50,
           percentile_cont(0.99) within group (order by ms)::float8 as p99
         from (
           select said.headers ->> 'ce_type' as event,
             greatest(0, extract(epoch from pg_xact_commit_timestamp(heard.xmin) - said.created_at) * 1000) as ms
           from ${said(from)} said join ${schemas.get(to)}.inbox heard on heard.event_id = said.event_id and heard.source = '${from}'
           where said.created_at >= $1
         ) as hop group by 1 order by 1`,
        [since],
      );
      found.push(...rows.map((row) => ({ ...row, event: row.event.replace(/^slipway\.|\.v\d+$/g, ''), from, to })));
    }
    return found;
  }

  async tables(): Promise<TableSize[]> {
    return await this.query<TableSize>(
      `select schemaname || '.' || relname as table, n_live_tup::int as rows, (pg_total_relation_size(relid) / 1024)::int as kib
       from pg_stat_user_tables where schemaname = any($1) order by 3 desc`,
      [[...schemas.values()]],
    );
  }

  /** Transactions the server has committed so far. */
  async commits(): Promise<number> {
    const [row] = await this.query<{ commits: number }>('select sum(xact_commit)::int as commits from pg_stat_database');
    return (row as { commits: number }).commits;
  }

  async forgetStatements(): Promise<void> {
    await this.query('select pg_stat_statements_reset()');
  }

  /** The statements that took most in all. */
  async statements(most = 120): Promise<Statement[]> {
    return await this.query<Statement>(
      `select r.rolname as service, regexp_replace(left(query, 220), '\\s+', ' ', 'g') as query, calls::int as calls,
         total_exec_time + total_plan_time as "totalMs", mean_exec_time + mean_plan_time as "meanMs", max_exec_time as "maxMs"
       from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname <> 'postgres' order by 4 desc limit $1`,
      [most],
    );
  }

  /** What no service has finished: each should come to nothing once a run is over. */
  async left(): Promise<Record<string, number>> {
    const left: Record<string, number> = {};
    for (const [service, schema] of schemas) {
      const [row] = await this.query<Record<string, number>>(
        `select (select count(*)::int from ${schema}.outbox where published_at is null) as "to be said",
           (select count(*)::int from ${schema}.handoff) as "to be answered",
           (select count(*)::int from ${schema}.operation where state = 'exhausted') as "given up",
           (select count(*)::int from ${schema}.dead_letter where resolved_at is null) as "dead letters",
           (select count(*)::int from ${schema}.parked) as parked,
           (select count(*)::int from ${schema}.operation where state in ('ready', 'running') and kind <> all($1)) as "in work"`,
        [['audit-link', 'guard', 'poll', 'request-clock', 'secret-look']],
      );
      for (const [what, count] of Object.entries(row ?? {})) if (count > 0) left[`${service}: ${what}`] = count;
    }
    return left;
  }

  async query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query<Row>(sql, values)).rows;
  }
}

function said(service: Service): string {
  return `${schemas.get(service)}.outbox`;
}
