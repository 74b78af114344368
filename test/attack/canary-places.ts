import type { Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { type DockerApi, dockerApi } from '../../tools/parts/docker-api.ts';
import { readTopics } from '../history/read-topics.ts';
import type { Piece, Place } from './canary.ts';

/** Every record of a suite's topics, with key and headers, logs among them. */
export function records(kafkaBrokers: readonly string[], topicPrefix: string): Place {
  return {
    name: 'Kafka',
    atLeast: 20,
    pieces: async function* () {
      const { records: all } = await readTopics({ kafkaBrokers, topicPrefix });
      for (const { topic, partition, offset, key, headers, value } of all) {
        const where = `${topic}:${partition}:${offset}`;
        yield { where, content: `${key} ${JSON.stringify(headers)}` };
        if (value) yield { where, content: Buffer.from(value) };
      }
    },
  };
}

/** Every row of every table of every service, asked for by `query`, which sees all schemas. */
export function rows(query: <T>(sql: string) => Promise<T[]>): Place {
  return {
    name: 'tables',
    atLeast: 50,
    pieces: async function* () {
      const tables = await query<{ name: string }>(
        `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
         where table_schema like 'slipway%' and table_type = 'BASE TABLE'`,
      );
      for (const { name } of tables)
        for (const { row } of await query<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`))
          yield { where: name, content: row };
    },
  };
}

interface Below {
  readonly path: string;
  readonly stats: Stats;
}

async function* below(folder: string, except: (path: string) => boolean): AsyncGenerator<Below> {
  for (const name of await readdir(folder, { recursive: true }).catch(() => [] as string[])) {
    if (except(name)) continue;
    const stats = await lstat(join(folder, name)).catch(() => undefined);
    if (stats?.isFile()) yield { path: name, stats };
  }
}

/** Every file below a folder but those whose path below it `except` names: where secrets are to be. */
export function files(name: string, folder: string, except: (path: string) => boolean = () => false): Place {
  return {
    name,
    pieces: async function* () {
      for await (const { path } of below(folder, except)) {
        const content = await readFile(join(folder, path)).catch(() => undefined);
        if (content) yield { where: path, content };
      }
    },
  };
}

/** Files below a folder that somebody else on the machine may read, folders above them counted: their paths. */
export async function openToOthers(folder: string, within = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(folder, within), { withFileTypes: true }).catch(() => [])) {
    const path = join(within, entry.name);
    const stats = await lstat(join(folder, path)).catch(() => undefined);
    if (stats?.isDirectory() && (stats.mode & 0o005) !== 0) found.push(...(await openToOthers(folder, path)));
    if (stats?.isFile() && (stats.mode & 0o004) !== 0) found.push(path);
  }
  return found;
}

/** What is answered at these addresses, headers and body. */
export function answers(name: string, addresses: readonly { readonly url: string; readonly token?: string }[]): Place {
  return {
    name,
    atLeast: addresses.length,
    pieces: async function* () {
      for (const { url, token } of addresses) {
        const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
        const answer = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(20_000) });
        yield { where: new URL(url).pathname, content: `${JSON.stringify([...answer.headers])}${await answer.text()}` };
      }
    },
  };
}

/** Containers with these labels as `inspect` shows them, and what they print. */
export function containers(api: DockerApi, label: string): Place {
  return {
    name: 'containers',
    atLeast: 2,
    pieces: async function* () {
      const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
      for (const { Id } of await api.call<{ Id: string }[]>('GET', `/containers/json?all=true&filters=${filters}`)) {
        yield { where: `inspect ${Id}`, content: JSON.stringify(await api.call('GET', `/containers/${Id}/json`)) };
        yield { where: `logs ${Id}`, content: String(await api.call('GET', `/containers/${Id}/logs?stdout=true&stderr=true`)) };
      }
    },
  };
}

/** Images with this label: configuration, history and every file of every layer. */
export function images(host: string, label: string): Place {
  const api = dockerApi(host);
  return {
    name: 'images',
    atLeast: 3,
    pieces: async function* () {
      const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
      for (const { Id } of await api.call<{ Id: string }[]>('GET', `/images/json?filters=${filters}`)) {
        yield { where: `inspect ${Id}`, content: JSON.stringify(await api.call('GET', `/images/${Id}/json`)) };
        yield { where: `history ${Id}`, content: JSON.stringify(await api.call('GET', `/images/${Id}/history`)) };
        yield* saved(host, Id);
      }
    },
  };
}

/** Longer than any form of a secret: what is cut in two is whole in the next piece. */
const overlap = 4_096;

async function* saved(host: string, id: string): AsyncGenerator<Piece> {
  const answer = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    request({ socketPath: host.replace('unix://', ''), path: `/images/${id}/get` }, resolve)
      .on('error', reject)
      .end();
  });
  let rest = Buffer.alloc(0);
  for await (const chunk of answer) {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length < 4 * 1024 * 1024) continue;
    yield { where: `layers of ${id}`, content: rest.toString('latin1') };
    rest = Buffer.from(rest.subarray(-overlap));
  }
  yield { where: `layers of ${id}`, content: rest.toString('latin1') };
}
