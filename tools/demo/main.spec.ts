import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const erased = /^(import|export) type /;

/** Every module that is loaded with this one, before a line of it runs, and what each imports from elsewhere. */
async function loadedWith(file: string, seen = new Map<string, string[]>()): Promise<Map<string, string[]>> {
  if (seen.has(file)) return seen;
  const statements = (await readFile(file, 'utf8')).match(/^(import|export) [^;]*?from '[^']+';/gms) ?? [];
  const from = statements.filter((statement) => !erased.test(statement)).map((statement) => /'([^']+)';$/.exec(statement)?.[1] as string);
  seen.set(
    file,
    from.filter((name) => !name.startsWith('.')),
  );
  for (const name of from.filter((each) => each.startsWith('.'))) await loadedWith(join(dirname(file), name), seen);
  return seen;
}

describe('the program of the demo', () => {
  it('begins without any package of ours: they are compiled while it starts the parts', async () => {
    const loaded = await loadedWith(join(import.meta.dirname, 'main.ts'));
    expect(loaded.size).toBeGreaterThan(15);
    const early = [...loaded].flatMap(([file, names]) =>
      names.filter((name) => name.startsWith('@slipway/')).map((name) => `${file}: ${name}`),
    );
    expect(early).toEqual([]);
    const later = await loadedWith(join(import.meta.dirname, 'set-up.ts'));
    expect([...later.values()].flat()).toContain('@slipway/contracts');
  });
});
