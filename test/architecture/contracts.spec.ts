import { existsSync } from 'node:fs';
import { glob, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog, type EventDefinition } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { constantOf, fileNameOf } from '../../tools/docs/house.ts';
import { root } from './planted-tree.ts';

const contracts = join(root, 'libs/contracts');
const events = [...catalog.values()].map((event) => [event.name, event] as const);

/** Brings data of an older version up to the newest, as messaging does. */
function upcast(event: EventDefinition, version: number, data: unknown): unknown {
  let newest = data;
  for (let at = version; at < event.version; at++) newest = event.upcast[at]?.(newest);
  return newest;
}

describe('the contracts', () => {
  it.each(events)('keep %s in a file of its own, named alike in three spellings', async (name, event) => {
    const path = join(contracts, 'src', event.writer, `${fileNameOf(name)}.ts`);
    expect(existsSync(path), `${path} is missing`).toBe(true);
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(new RegExp(String.raw`\*/\s*export const ${constantOf(name)} = defineEvent\(`));
    expect(text).toContain(`name: '${name}'`);
    expect(text.match(/\bdefineEvent\(/g)).toHaveLength(1);
    expect(event.type).toBe(`slipway.${name}.v${event.version}`);
  });

  it.each(events)('let every version of %s that was ever written be read', async (name, event) => {
    for (let version = 1; version <= event.version; version++) {
      const file = join(contracts, 'samples', `${name}.v${version}.json`);
      expect(existsSync(file), `${file} is missing: commit a sample when a version is new, and never change it`).toBe(true);
      const parsed = event.data.safeParse(upcast(event, version, JSON.parse(await readFile(file, 'utf8'))));
      expect(parsed.error?.issues ?? []).toEqual([]);
    }
  });

  it('list every event that is defined', async () => {
    const defined: string[] = [];
    for await (const path of glob('src/*/*.ts', { cwd: contracts })) {
      for (const [, name] of (await readFile(join(contracts, path), 'utf8')).matchAll(/defineEvent\(\{\s*name: '([^']+)'/g))
        defined.push(String(name));
    }
    expect(defined.sort()).toEqual([...catalog.keys()].sort());
  });

  it('have no sample of an event that is gone', async () => {
    const known = (file: string) =>
      [...catalog.keys()].some((name) => new RegExp(String.raw`^${name.replaceAll('.', '\\.')}\.v\d+\.json$`).test(file));
    expect((await readdir(join(contracts, 'samples'))).filter((file) => !known(file))).toEqual([]);
  });

  it('name a change for every version after the first', () => {
    const broken = events.filter(([, event]) => Object.keys(event.upcast).length !== event.version - 1).map(([name]) => name);
    expect(broken).toEqual([]);
  });
});
