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

/** A Postgres server that is backed up while it serves, as `pg_basebackup` does it, and restored from that. */
export class OwnPostgres {
  private constructor(
    private readonly dataDir: DataDir,
    private part: Part,
  ) {}

  static async start(dataDir: DataDir): Promise<OwnPostgres> {
    return new OwnPostgres(dataDir, await apartFrom('DATABASE_URL', () => startPostgres(dataDir, { durable: false })));
  }

  get url(): string {
    return this.part.url;
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
    this.part = await apartFrom('DATABASE_URL', () => startPostgres(this.dataDir, { durable: false }));
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
