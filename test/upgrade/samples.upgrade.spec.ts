import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog, type EventDefinition } from '@slipway/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../tools/suite/services.ts';
import { compiledYesterday, type Yesterday } from './yesterday.ts';

type Catalog = ReadonlyMap<string, EventDefinition>;

const samples = 'libs/contracts/samples';
let yesterday: Yesterday;
let catalogThen: Catalog;

beforeAll(async () => {
  yesterday = await compiledYesterday((text) => process.stderr.write(`${text}\n`));
  catalogThen = ((await import(join(yesterday.folder, 'libs/contracts/dist/index.js'))) as { catalog: Catalog }).catalog;
}, 700_000);

/** What a catalogue cannot read of the samples in a folder, and how many it reads. What is newer than it, or new, it parks. */
async function unreadable(folder: string, by: Catalog): Promise<{ read: number; faults: string[] }> {
  const faults: string[] = [];
  let read = 0;
  for (const file of await readdir(join(folder, samples))) {
    const [, name = '', version = ''] = /^(.+)\.v(\d+)\.json$/.exec(file) ?? [];
    const event = by.get(name);
    if (!event || Number(version) > event.version) continue;
    let data: unknown = JSON.parse(await readFile(join(folder, samples, file), 'utf8'));
    for (let at = Number(version); at < event.version; at++) data = event.upcast[at]?.(data);
    const parsed = event.data.safeParse(data);
    if (!parsed.success) faults.push(`${file}: ${parsed.error.message}`);
    read++;
  }
  return { read, faults };
}

describe('the samples of every version of every event', () => {
  it('of today are read by yesterday', async () => {
    const { read, faults } = await unreadable(root, catalogThen);
    expect(faults).toEqual([]);
    expect(read).toBeGreaterThan(50);
  });

  it('of yesterday are read by today', async () => {
    const { read, faults } = await unreadable(yesterday.folder, catalog);
    expect(faults).toEqual([]);
    expect(read).toBeGreaterThan(50);
  });

  it('of yesterday are still what they were', async () => {
    const changed: string[] = [];
    for (const file of await readdir(join(yesterday.folder, samples))) {
      const now = await readFile(join(root, samples, file), 'utf8').catch(() => 'gone');
      if (now !== (await readFile(join(yesterday.folder, samples, file), 'utf8'))) changed.push(file);
    }
    expect(changed).toEqual([]);
  });

  it('are of events that nobody may say under another topic than before, for two versions listen to one', () => {
    const moved = [...catalogThen.values()].filter((then) => {
      const now = catalog.get(then.name);
      return now && (now.topic !== then.topic || now.writer !== then.writer || now.about !== then.about);
    });
    expect(moved.map(({ name }) => name)).toEqual([]);
  });
});
