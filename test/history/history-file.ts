import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { History, TopicRecord } from './history.ts';

/** Parts that are lists: one line an item. What is not among them is one line as a whole. */
const lists = ['records', 'places', 'tables', 'seen', 'repositories', 'texts'] as const;

/** Writes a history to one compressed file of JSON lines, `{kind, value}` each. */
export async function writeHistory(history: History, file: string): Promise<void> {
  await pipeline(Readable.from(lines(history)), createGzip(), createWriteStream(file, { mode: 0o600 }));
}

function* lines(history: History): Generator<string> {
  const line = (kind: string, value: unknown) => `${JSON.stringify({ kind, value })}\n`;
  yield line('about', history.about);
  yield line('docker', history.docker);
  yield line('registry', history.registry);
  for (const list of lists) {
    for (const value of history[list])
      yield line(list, 'offset' in value ? { ...value, value: value.value?.toString('base64') ?? null } : value);
  }
}

/** Reads one back. @throws Error where the file is not one, or ends early. */
export async function readHistory(file: string): Promise<History> {
  const found: Record<string, unknown> = {};
  const many: Record<string, unknown[]> = Object.fromEntries(lists.map((list) => [list, []]));
  const text = createGunzip();
  createReadStream(file)
    .on('error', (error) => text.destroy(error))
    .pipe(text);
  for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
    const { kind, value } = JSON.parse(line) as { kind: string; value: unknown };
    if (kind === 'records') many['records']?.push(recordOf(value as Omit<TopicRecord, 'value'> & { value: string | null }));
    else if (many[kind]) many[kind].push(value);
    else found[kind] = value;
  }
  for (const part of ['about', 'docker', 'registry'])
    if (found[part] === undefined) throw new Error(`${file} is no history: it lacks "${part}"`);
  return { ...found, ...many } as unknown as History;
}

function recordOf(value: Omit<TopicRecord, 'value'> & { value: string | null }): TopicRecord {
  return { ...value, value: value.value === null ? null : Buffer.from(value.value, 'base64') };
}
