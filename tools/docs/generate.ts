import './source-loader.mjs';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** `node tools/docs/generate.ts --write` makes the generated pages of docs/ anew; `--check` says which are stale and exits 1. */
const [mode] = process.argv.slice(2);
if (mode !== '--write' && mode !== '--check') {
  console.error('usage: node tools/docs/generate.ts --write | --check');
  process.exit(2);
}

const { readHouse, root } = await import('./house.ts');
const { generatedPages } = await import('./pages.ts');
const pages = generatedPages(await readHouse());
const stale: string[] = [];
for (const [path, text] of pages) {
  const file = join(root, path);
  if (existsSync(file) && (await readFile(file, 'utf8')) === text) continue;
  stale.push(path);
  if (mode === '--check') continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
for (const name of existsSync(join(root, 'docs/schemas')) ? await readdir(join(root, 'docs/schemas')) : []) {
  if (pages.has(`docs/schemas/${name}`)) continue;
  stale.push(`docs/schemas/${name}`);
  if (mode === '--write') await rm(join(root, 'docs/schemas', name));
}
if (mode === '--check' && stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}\nRun: node tools/docs/generate.ts --write`);
  process.exit(1);
}
console.log(stale.length === 0 ? 'docs are up to date' : `written: ${stale.join(', ')}`);
process.exit(0);
