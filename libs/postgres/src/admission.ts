import pg from 'pg';
import { sessionOptions } from './data-source.js';
import type { DatabaseOptions } from './database.js';

/** A connection of the server life that is being looked at: what is asked over it is answered by that one and no other. */
export interface Witness {
  query<T = Record<string, unknown>>(sql: string, params?: unknown[]): Promise<T[]>;
}

/** Decides whether a database may be worked with. Throws where it may not, or where that can't be known yet. */
export type Judge = (witness: Witness) => Promise<void>;

/** This database is another one than was looked at, and the one who must look at it has not let it in. Whoever waits for a database that is away waits for this too. */
export class NotAdmitted extends Error {
  override readonly name = 'NotAdmitted';
  /** What Postgres says while it is starting: `cannot_connect_now`. */
  readonly code = '57P03';
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What the judge said of a database that time alone does not change: for a while it is not asked again about the same life. */
export class Refused extends Error {
  override readonly name: string = 'Refused';
}

/**
 * One life of a server with one database in it. A restart, a fail-over to another server and a database that was made anew each begin
 * another; each may know less than the one before.
 */
const askLife = `select extract(epoch from pg_postmaster_start_time())::text || ' ' || oid as life, pg_is_in_recovery() as "isStandby"
  from pg_database where datname = current_database()`;

/** Longest a new connection waits for the judge, in ms; shorter than who asked for it waits. The judge goes on. */
const patienceMs = 2_500;
/** Somebody may bring a better one back into the database that was refused: it is looked again so often, in ms. */
const lookAgainMs = 60_000;

/**
 * Stands at the door of a database: every connection that is made belongs to a life that was let in. Until there is a judge everything is let in.
 * Costs one short question a new connection, and nothing between.
 */
export class Admission {
  private judge: Judge | undefined;
  private admitted: string | undefined;
  private refused: { readonly life: string; readonly why: Refused; readonly until: number } | undefined;
  private deciding: Promise<void> | undefined;

  constructor(
    private readonly options: DatabaseOptions,
    private readonly againMs = lookAgainMs,
  ) {}

  /** From now on `judge` is asked about each new life before anybody works with it. Resolves when it has let in the present one. @throws what it throws */
  async require(judge: Judge): Promise<void> {
    this.judge = judge;
    await this.decide();
  }

  /** For each new connection. @throws NotAdmitted */
  async pass(client: pg.ClientBase): Promise<void> {
    if (!this.judge) return;
    const life = await lifeOf(client);
    if (life === this.admitted) return;
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      late = setTimeout(() => reject(new Error('It is being looked whether this database knows all that was said')), patienceMs);
    });
    try {
      this.refuse(life);
      await Promise.race([this.decide(), patience]);
    } catch (error) {
      throw new NotAdmitted(error);
    } finally {
      clearTimeout(late);
    }
    if (life !== this.admitted) throw new NotAdmitted(new Error('The database became another one in the meantime'));
  }

  /** @throws Refused where this life was refused a moment ago */
  private refuse(life: string): void {
    if (this.refused?.life === life && performance.now() < this.refused.until) throw this.refused.why;
  }

  private decide(): Promise<void> {
    this.deciding ??= this.look().finally(() => (this.deciding = undefined));
    this.deciding.catch(() => undefined); // whoever waits hears of it; the last one may have left
    return this.deciding;
  }

  private async look(): Promise<void> {
    const { url, applicationName } = this.options;
    const client = new pg.Client({
      connectionString: url,
      application_name: `${applicationName} admission`,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 15_000,
      query_timeout: 20_000,
      options: sessionOptions(this.options),
    });
    client.on('error', () => undefined); // the question that is open fails by itself
    try {
      await client.connect();
      const life = await lifeOf(client);
      if (life === this.admitted) return;
      this.refuse(life);
      try {
        await this.judge?.({ query: async (sql, params = []) => (await client.query(sql, params)).rows });
      } catch (error) {
        if (error instanceof Refused) this.refused = { life, why: error, until: performance.now() + this.againMs };
        throw error;
      }
      this.admitted = life;
      this.refused = undefined;
    } finally {
      void client.end().catch(() => undefined);
    }
  }
}

/** @throws NotAdmitted for a standby: it may not have got everything yet, and its life goes on when it is promoted. */
async function lifeOf(client: pg.ClientBase): Promise<string> {
  const [row] = (await client.query<{ life: string; isStandby: boolean }>(askLife)).rows;
  if (!row || row.isStandby) throw new NotAdmitted(new Error('The server is a standby: nobody works with it before it is promoted'));
  return row.life;
}
