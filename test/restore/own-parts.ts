import { chmod, chown, cp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { DataDir } from '../../tools/parts/data-dir.ts';
import { startKafka } from '../../tools/parts/kafka.ts';
import type { Part } from '../../tools/parts/part.ts';
import { startPostgres } from '../../tools/parts/postgres.ts';

/** What lies beside the data of a server and belongs to the process that runs it. */
const ofTheProcess = new Set(['postmaster.pid', 'postmaster.opts']);

/** Starts a part of our own although the environment names one for the tests. */
async function apartFrom<T>(variable: string, start: () => Promise<T>): Promise<T> {
  const named = process.env[variable];
  delete process.env[variable];
  try {
    return await start();
  } finally {
    if (named !== undefined) process.env[variable] = named;
  }
}

/** What docs/guides/install.md has made before the first start. */
export interface Installed {
  /** Where the server's programs are. */
  readonly programs: string;
  /** Of the role `slipway`, which owns the database `slipway` and may make roles. */
  readonly password: string;
}

/** A Postgres server that is backed up while it serves, as `pg_basebackup` does it, and restored from that. */
export class OwnPostgres {
  private part!: Part;

  private constructor(
    private readonly dataDir: DataDir,
    private readonly installed: Installed | undefined,
  ) {}

  static async start(dataDir: DataDir, installed?: Installed): Promise<OwnPostgres> {
    const postgres = new OwnPostgres(dataDir, installed);
    await postgres.serve();
    if (installed) await postgres.install(installed);
    return postgres;
  }

  /** Of the database the services use, for who may everything. */
  get url(): string {
    return this.installed ? Object.assign(new URL(this.part.url), { pathname: '/slipway' }).href : this.part.url;
  }

  /** The same for who installed them. */
  get installersUrl(): string {
    return this.installed ? Object.assign(new URL(this.url), { username: 'slipway', password: this.installed.password }).href : this.url;
  }

  /** Roles of its own for each service: the installer may make them. */
  get hasRoles(): boolean {
    return this.installed !== undefined;
  }

  private async serve(): Promise<void> {
    const own = { durable: false, ...(this.installed && { programs: this.installed.programs }) };
    this.part = await apartFrom('DATABASE_URL', () => startPostgres(this.dataDir, own));
  }

  private async install({ password }: Installed): Promise<void> {
    const client = new pg.Client({ connectionString: this.part.url });
    await client.connect();
    try {
      await client.query(`create role slipway login createrole password ${client.escapeLiteral(password)}`);
      await client.query('create database slipway owner slipway');
    } finally {
      await client.end();
    }
  }

  /** Another server, with nothing in it, at the same address. */
  async lose(): Promise<void> {
    const data = await this.folder();
    await this.part.stop();
    await rm(data, { recursive: true, force: true });
    await this.serve();
  }

  /** A base backup: consistent at its end, whoever writes meanwhile. Gives the folder it lies in. */
  async backUp(name: string): Promise<string> {
    const to = join(this.dataDir.path, `backup-${name}`);
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      await client.query("select pg_backup_start('slipway', true)");
      const from = await this.folder();
      await cp(from, to, {
        recursive: true,
        preserveTimestamps: true,
        filter: (path) => !ofTheProcess.has(path.slice(from.length + 1)) && !path.startsWith(join(from, 'pg_wal', '0')),
      });
      const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
      await writeFile(join(to, 'backup_label'), rows[0]?.labelfile ?? '');
      // What was written while it was copied: without it the copy is of no moment at all.
      await cp(join(from, 'pg_wal'), join(to, 'pg_wal'), { recursive: true, preserveTimestamps: true });
      await sameOwner(from, to);
    } finally {
      await client.end();
    }
    return to;
  }

  /** The data of before are gone; what the backup has is served at the same address. */
  async restore(backup: string): Promise<void> {
    const data = await this.folder();
    await this.part.stop();
    await rm(data, { recursive: true, force: true });
    await cp(backup, data, { recursive: true, preserveTimestamps: true });
    await sameOwner(backup, data);
    await this.serve();
  }

  async stop(): Promise<void> {
    await this.part.stop();
  }

  private async folder(): Promise<string> {
    return (await this.dataDir.remembered('postgres-data')) ?? join(this.dataDir.path, 'postgres');
  }
}

/** A Kafka broker that can be lost with all it has. */
export class OwnKafka {
  private constructor(
    private readonly dataDir: DataDir,
    private part: Part,
  ) {}

  static async start(dataDir: DataDir): Promise<OwnKafka> {
    return new OwnKafka(dataDir, await startOwnKafka(dataDir));
  }

  get brokers(): string[] {
    return this.part.url.split(',');
  }

  /** Another cluster, empty, at the same address. */
  async lose(): Promise<void> {
    await this.part.stop();
    await rm(join(this.dataDir.path, 'kafka', 'log'), { recursive: true, force: true });
    this.part = await startOwnKafka(this.dataDir);
  }

  async stop(): Promise<void> {
    await this.part.stop();
  }
}

const startOwnKafka = (dataDir: DataDir): Promise<Part> => apartFrom('KAFKA_BROKERS', () => startKafka(dataDir, { heapMiB: 256 }));

/** A copy made by root belongs to root, and the server would not open it. */
async function sameOwner(from: string, to: string): Promise<void> {
  const { uid, gid, mode } = await stat(from);
  await chmod(to, mode);
  await chown(to, uid, gid);
  for (const entry of await readdir(to, { recursive: true })) await chown(join(to, entry), uid, gid);
}
