import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import pg from 'pg';
import { dockerApi } from '../../tools/parts/docker-api.ts';
import type { Parts } from '../../tools/parts/index.ts';
import { pause } from '../../tools/parts/until.ts';

/** How busy the machine may be, of all its cores, before anything is measured. */
export const busyAtMost = 0.1;
const lookMs = 5_000;

/** The share of all cores that was in use during five seconds. */
export async function busyShare(): Promise<number> {
  const before = await ticks();
  await pause(lookMs);
  const after = await ticks();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

async function ticks(): Promise<{ idle: number; all: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const fields = line.split(/\s+/).slice(1, 9).map(Number);
  return { idle: (fields[3] ?? 0) + (fields[4] ?? 0), all: fields.reduce((sum, value) => sum + value, 0) };
}

export function loads(): string {
  return loadavg()
    .map((load) => load.toFixed(2))
    .join(' ');
}

/** What the figures were measured on, in words. */
export async function machine(parts: Parts): Promise<string[]> {
  const processors = cpus();
  const docker = await dockerApi(parts.docker.url).call<{ Version: string }>('GET', '/version');
  return [
    `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, Linux ${release()}`,
    `Node ${process.versions.node}, ${await postgresVersion(parts.postgres.url)}, Kafka ${parts.kafka.ours ? '4.1.0, one broker, started for this' : `at ${parts.kafka.url}`}, Docker Engine ${docker.Version}`,
  ];
}

/** @throws Error where a power cut could lose what was committed: such figures are worth nothing. */
async function postgresVersion(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; setting: string }>(
      "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')",
    );
    const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
    for (const name of ['fsync', 'synchronous_commit', 'full_page_writes'])
      if (settings.get(name) !== 'on')
        throw new Error(`Postgres has ${name}=${settings.get(name)}: figures without durability are worth nothing`);
    return `Postgres ${settings.get('server_version')} (fsync, synchronous_commit, full_page_writes on)`;
  } finally {
    await client.end();
  }
}
