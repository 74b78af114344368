import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { advisoryNumber, schemaOf } from './names.js';
import { scramVerifier } from './scram.js';

export interface ProvisionOptions {
  /** Who may make roles and schemas: what the operator gave as DATABASE_URL. */
  adminUrl: string;
  services: readonly string[];
  /** Passwords of an earlier run, by service. A service without one gets a new random one; its replicas that run with the old one can't connect any more. */
  passwords?: Readonly<Record<string, string>>;
  /** SLIPWAY_DB_SINGLE_ROLE=1: schemas only, every service is the administrator. `doctor` says so. */
  singleRole?: boolean;
  /** First part of every role and schema name; roles are shared by all databases of a server. Default `slipway`. */
  prefix?: string;
}

export interface Provisioned {
  /** Where each service connects; contains its password, so it goes to that service only. */
  urls: Record<string, string>;
  /** By service, to be kept in a file only its owner can read and given to the next run. Empty with a single role. */
  passwords: Record<string, string>;
  schemas: Record<string, string>;
}

/** DATABASE_URL may not make roles or schemas: somebody who may must run `sql` once (it holds no password), then start again with `passwords`. */
export class MayNotProvision extends Error {
  override readonly name = 'MayNotProvision';
  constructor(
    readonly sql: string,
    readonly passwords: Record<string, string>,
    who: string,
  ) {
    super(
      `The database role "${who}" may not make roles and schemas. Run this SQL as one that may, or set SLIPWAY_DB_SINGLE_ROLE=1:\n\n${sql}`,
    );
  }
}

/**
 * A role and a schema of the same name per service (design part 4): the role owns its schema, may log in, and may nothing else. Run at every
 * start; what is there is kept. Throws `MayNotProvision` with the SQL where the admin role has not the right and something is missing.
 */
export async function provision(options: ProvisionOptions): Promise<Provisioned> {
  const { adminUrl, services, prefix = 'slipway', singleRole = false } = options;
  const client = new pg.Client({
    connectionString: adminUrl,
    application_name: 'slipway provision',
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const schemas = Object.fromEntries(services.map((service) => [service, schemaOf(service, prefix)]));
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [advisoryNumber(prefix, 'provision')]);
    const passwords = singleRole ? {} : await makeRoles(client, services, prefix, options.passwords ?? {});
    if (singleRole) for (const schema of Object.values(schemas)) await client.query(`create schema if not exists ${schema}`);
    await client.query('commit');
    const urls = Object.fromEntries(services.map((service) => [service, urlFor(adminUrl, schemas[service] as string, passwords[service])]));
    return { urls, passwords, schemas };
  } finally {
    await client.end().catch(() => undefined); // ends an open transaction as well
  }
}

async function makeRoles(client: pg.Client, services: readonly string[], prefix: string, known: Readonly<Record<string, string>>) {
  const me = await privileges(client);
  const passwords: Record<string, string> = {};
  const missing: string[] = [];
  for (const service of services) {
    const name = schemaOf(service, prefix);
    const there = await present(client, name);
    const password = known[service] ?? randomBytes(24).toString('base64url');
    passwords[service] = password;
    if (there.role && there.schema && known[service] !== undefined) continue;
    missing.push(...statements(name, scramVerifier(password), there.role, me.database), ...(there.foreign ? handOver(name) : []));
  }
  if (missing.length === 0) return passwords;
  if (!me.may) throw new MayNotProvision(`${missing.join(';\n')};\n`, passwords, me.name);
  for (const statement of missing) await client.query(statement);
  return passwords;
}

/** All of it may be run again. The membership is needed to give the schema away and is taken back. */
function statements(name: string, verifier: string, exists: boolean, database: string): string[] {
  return [
    // A new role may nothing by default; naming those rights here would itself need a superuser.
    `${exists ? 'alter' : 'create'} role ${name} with login password '${verifier}'`,
    `grant connect on database ${quote(database)} to ${name}`,
    `grant ${name} to current_user`,
    `create schema if not exists ${name} authorization ${name}`,
    `alter default privileges for role ${name} revoke execute on functions from public`,
    `revoke ${name} from current_user`,
    `alter role ${name} in database ${quote(database)} set search_path = ${name}`,
  ];
}

/** From a single role to one each: the schema and what is in it change hands. Sequences follow the tables they belong to. */
function handOver(name: string): string[] {
  const each = `select format('alter table %s owner to ${name}', oid::regclass) as change from pg_class
    where relnamespace = '${name}'::regnamespace and relkind in ('r', 'p', 'v', 'm') and relowner <> '${name}'::regrole`;
  return [
    `do $$ declare one record; begin for one in ${each} loop execute one.change; end loop; end $$`,
    `alter schema ${name} owner to ${name}`,
  ];
}

async function privileges(client: pg.Client): Promise<{ name: string; database: string; may: boolean }> {
  const { rows } = await client.query(
    `select current_user as name, current_database() as database,
            (rolsuper or rolcreaterole) and has_database_privilege(current_database(), 'create') as may
       from pg_roles where rolname = current_user`,
  );
  return rows[0];
}

async function present(client: pg.Client, name: string): Promise<{ role: boolean; schema: boolean; foreign: boolean }> {
  const { rows } = await client.query(
    `select exists (select 1 from pg_roles where rolname = $1) as role,
            exists (select 1 from pg_namespace where nspname = $1 and nspowner::regrole::text = $1) as schema,
            exists (select 1 from pg_namespace where nspname = $1 and nspowner::regrole::text <> $1) as foreign`,
    [name],
  );
  return rows[0];
}

function urlFor(adminUrl: string, role: string, password: string | undefined): string {
  if (password === undefined) return adminUrl;
  const url = new URL(adminUrl);
  url.username = role;
  url.password = password;
  return url.href;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
