import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { until } from '../../../tools/parts/until.ts';
import type { Fault } from '../fault.ts';
import { asAdministrator, type HurtPostgres } from './a-postgres.ts';
import { aFault, repeatedly } from './hurting.ts';

/** Takes every connection there is, as a user like any other, and each that becomes free: those of the services are ended one after the other. */
export function slotThief(postgres: HurtPostgres, salt: number): Fault {
  const password = randomBytes(12).toString('hex');
  const stolen: pg.Client[] = [];
  let refused: (line: RegExp) => Promise<number> = async () => 0;
  let administrator: pg.Client | undefined;
  const steal = async (): Promise<boolean> => {
    const url = new URL(postgres.url);
    [url.username, url.password] = ['slipway_thief', password];
    const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5000, application_name: 'fault' });
    client.on('error', () => undefined);
    const taken = await client.connect().then(
      () => true,
      () => false,
    );
    if (taken) stolen.push(client);
    return taken;
  };
  const turn = async (): Promise<number> => {
    if (administrator === undefined) {
      refused = await postgres.watchLog();
      administrator = new pg.Client({ connectionString: postgres.url, connectionTimeoutMillis: 5000, application_name: 'fault' });
      administrator.on('error', () => undefined);
      await administrator.connect();
      await administrator.query(`drop role if exists slipway_thief; create role slipway_thief login password '${password}'`);
    }
    while ((await Promise.all(Array.from({ length: 10 }, steal))).every(Boolean));
    await administrator.query(
      `select pg_terminate_backend(pid) from (
         select pid from pg_stat_activity where backend_type = 'client backend' and application_name <> 'fault' order by md5(pid::text || '${salt}') limit 5
       ) as few`,
    );
    return 0;
  };
  const fault = repeatedly('every connection of Postgres is taken', 200, turn, async () => {
    await Promise.all(stolen.splice(0).map((client) => client.end().catch(() => undefined)));
    await administrator?.query('drop role if exists slipway_thief').catch(() => undefined);
    await administrator?.end().catch(() => undefined);
  });
  let counted: number | undefined;
  const end = async (): Promise<void> => {
    await fault.end();
    counted = await refused(/too many clients already|connection slots are reserved/);
  };
  return { ...fault, end, hurt: () => counted };
}

const schemasWith = (table: string): string =>
  `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and c.relname = '${table}' order by 1`;

async function schemas(client: pg.Client, table: string): Promise<string[]> {
  return (await client.query<{ schema: string }>(schemasWith(table))).rows.map(({ schema }) => schema);
}

/** A transaction that forgets to end, with locks on rows of every service: work that is owed, and how far a topic was read. */
export function lockHolder(postgres: HurtPostgres, salt: number): Fault {
  let holder: pg.Client | undefined;
  let waited: (line: RegExp) => Promise<number> = async () => 0;
  return aFault({
    name: 'rows of every service are locked',
    begin: async ({ suite }) => {
      waited = await postgres.watchLog();
      holder = new pg.Client({ connectionString: suite.databaseUrl, connectionTimeoutMillis: 5000, application_name: 'fault' });
      holder.on('error', () => undefined);
      await holder.connect();
      await holder.query(`begin; set local lock_timeout = '2s'; set local deadlock_timeout = '60s'`);
      for (const schema of await schemas(holder, 'operation')) {
        // First what has to be waited for: of a service that is busy somebody always holds it, and nothing else of it is held meanwhile.
        const read = `select next from "${schema}".stored_offset order by md5(topic || '${salt}') limit 2 for update`;
        await holder.query('savepoint here');
        await holder.query(`select 1 from (${read}) as few`).catch(() => holder?.query('rollback to savepoint here'));
        const working = `where state in ('ready', 'running') order by md5(id::text || '${salt}') limit 20`;
        await holder.query(`select 1 from (select id from "${schema}".operation ${working} for update skip locked) as few`);
      }
      return undefined;
    },
    end: async () => {
      await holder?.query('rollback').catch(() => undefined);
      await holder?.end().catch(() => undefined);
      return await waited(/still waiting for \w+/);
    },
  });
}

/**
 * Real deadlocks with the services' own transactions, which then are those that Postgres ends: we lock what a handler locks last, wait until one stands there, and ask for what it
 * locked first. Nothing is changed.
 */
export function deadlocks(postgres: HurtPostgres): Fault {
  let counted: ((line: RegExp) => Promise<number>) | undefined;
  let at = 0;
  const fault = repeatedly('transactions of the services are led into deadlocks', 50, async ({ suite }) => {
    counted ??= await postgres.watchLog();
    await asAdministrator(suite.databaseUrl, async (client) => {
      const all = await schemas(client, 'sequence');
      const schema = all[at++ % all.length];
      if (schema === undefined) return;
      const pid = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
      // Whoever looks first whether it waits for ever is the one that ends.
      await client.query(`begin; set local deadlock_timeout = '60s'; set local lock_timeout = '3s'`);
      try {
        await client.query(`select 1 from "${schema}".sequence order by key for update`);
        const standsThere = () =>
          postgres.administer((other) =>
            other.query('select 1 from pg_locks l where not l.granted and $1 = any(pg_blocking_pids(l.pid))', [pid]),
          );
        for (let looks = 0; looks < 20 && (await standsThere()).rowCount === 0; looks++) await wait(50);
        await client.query(`select 1 from "${schema}".stored_offset for update`);
        await client.query(`select 1 from "${schema}".operation where state = 'running' for update`);
      } finally {
        await client.query('rollback').catch(() => undefined);
      }
    });
    return 0;
  });
  let found: number | undefined;
  const end = async (): Promise<void> => {
    await fault.end();
    found = await counted?.(/deadlock detected/);
  };
  return { ...fault, end, hurt: () => found };
}

/** A share of the services' statements that write is refused with this SQLSTATE, as by a database in trouble. Triggers do it, and count it where no rollback takes it back. */
export function refusals(
  postgres: HurtPostgres,
  { state, percent, salt }: { readonly state: '40001' | '40P01' | '55P03'; readonly percent: number; readonly salt: number },
): Fault {
  let url = postgres.url;
  const patiently = async (sql: string): Promise<void> => {
    const once = () => asAdministrator(url, async (client) => void (await client.query(`set lock_timeout = '3s'; ${sql}`)));
    // Busy tables, or Postgres away for another fault's sake: what was put in must be taken out all the same.
    await until('the triggers of a fault are changed', () => once().then(() => true), { within: 90_000, every: 250 });
  };
  return aFault({
    name: `${percent} of 100 statements that write are refused with ${state}`,
    begin: async ({ suite }) => {
      url = suite.databaseUrl;
      await patiently(`drop schema if exists fault cascade; create schema fault; create sequence fault.hits; create sequence fault.turns;
        create function fault.refuse() returns trigger language plpgsql security definer as $$ begin
          if abs(hashtext(nextval('fault.turns')::text || '${salt}')) % 100 < ${percent} then
            perform nextval('fault.hits');
            raise exception 'refused by a fault' using errcode = '${state}';
          end if;
          return null;
        end $$`);
      for (const [table, of] of [
        ['inbox', 'insert'],
        ['outbox', 'insert'],
        ['operation', 'insert or update'],
      ] as const) {
        for (const schema of await asAdministrator(url, (client) => schemas(client, table)))
          await patiently(`create trigger fault before ${of} on "${schema}".${table} for each statement execute function fault.refuse()`);
      }
      return undefined;
    },
    end: async () => {
      const hits = await asAdministrator(url, (client) =>
        client.query<{ hits: number }>('select case when is_called then last_value else 0 end::int as hits from fault.hits'),
      ).catch(() => undefined);
      await patiently('drop schema if exists fault cascade');
      return hits?.rows[0]?.hits;
    },
  });
}
