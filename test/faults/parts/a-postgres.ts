import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { DataDir } from '../../../tools/parts/data-dir.ts';
import { runPostgres } from '../../../tools/parts/postgres.ts';
import { until } from '../../../tools/parts/until.ts';
import type { Clock } from './clocks.ts';
import { aSmallDisk, mayMount, type SmallDisk } from './small-disk.ts';
import { stepsInTurn } from './steps-in-turn.ts';

/** A Postgres to be hurt: with a clock of its own, and on a disk of its own where one can be mounted. */
export interface HurtPostgres {
  /** As its administrator, straight. */
  readonly url: string;
  readonly disk: SmallDisk | undefined;
  /** Ends it: SIGQUIT is its immediate shutdown, SIGKILL leaves its other processes to find out. */
  kill(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts it where it has ended; it comes back with all that was committed. */
  start(): Promise<void>;
  /** Runs something as its administrator, over a connection of its own. */
  administer<T>(fn: (client: pg.Client) => Promise<T>): Promise<T>;
  /** Counts what it writes to its log from now on. */
  watchLog(): Promise<(line: RegExp) => Promise<number>>;
  stop(): Promise<void>;
}

/** Room for half an hour of a busy suite, and little enough that filling it takes no time. */
const diskMiB = 768;
const settings = [
  'max_connections=250',
  'max_wal_size=128MB',
  'min_wal_size=64MB',
  'deadlock_timeout=500ms',
  'log_lock_waits=on',
  'log_line_prefix=',
];

export async function aPostgres(dataDir: DataDir, clock: Clock | undefined, onSmallDisk: boolean): Promise<HurtPostgres> {
  const disk = onSmallDisk && mayMount ? await aSmallDisk(join(dataDir.path, 'postgres'), diskMiB) : undefined;
  const run = () => runPostgres(dataDir, { durable: true, settings, ...(clock && { env: clock.env }) });
  let part = await run().catch(async (error: unknown) => {
    await disk?.remove();
    throw error;
  });
  const { url } = part;
  const logFile = part.process.logFile;
  const inTurn = stepsInTurn();
  const start = async (): Promise<void> => {
    if (part.process.running) return;
    // Children of one that was killed may still hold its memory for a moment.
    part = await until('Postgres runs again', () => run(), { within: 60_000, every: 500 });
    if (part.url !== url) throw new Error(`Postgres came back at another address: its port was taken meanwhile`);
  };
  return {
    url,
    disk,
    kill: (signal) =>
      inTurn(async () => {
        if (part.process.running) process.kill(part.process.pid, signal);
        await part.process.exited;
      }),
    start: () => inTurn(start),
    administer: (fn) => asAdministrator(url, fn),
    watchLog: async () => {
      const { size } = await stat(logFile);
      return async (line) =>
        (await readFile(logFile))
          .subarray(size)
          .toString('utf8')
          .split('\n')
          .filter((each) => line.test(each)).length;
    },
    stop: async () => {
      await part.stop();
      await disk?.remove();
    },
  };
}

/** As the user a URL names; what it does ends with its connection. */
export async function asAdministrator<T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000, application_name: 'fault' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await fn(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
