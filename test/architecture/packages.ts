import { glob, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { root } from './planted-tree.ts';

/** A workspace as its package.json, tsconfig.json and sources tell it; names without the scope. */
export interface Package {
  readonly name: string;
  readonly room: 'apps' | 'libs';
  /** Of ours, by package.json. */
  readonly dependencies: readonly string[];
  /** Of others, by package.json. */
  readonly outside: readonly string[];
  readonly references: readonly string[];
  /** What its sources without specs import, first part only: `@slipway/contracts`, `zod`. */
  readonly imports: readonly string[];
}

/** What is wrong between workspaces, as sentences. */
export function faultsOfPackages(packages: readonly Package[]): string[] {
  return [
    ...packages.flatMap((one) => faultsOfOne(one, packages)),
    ...rings(packages).map((ring) => `libs import each other in a ring: ${ring.join(' → ')}.`),
  ];
}

function faultsOfOne({ name, dependencies, outside, references, imports }: Package, packages: readonly Package[]): string[] {
  const faults: string[] = [];
  const apps = new Set(packages.filter((one) => one.room === 'apps').map((one) => one.name));
  for (const other of dependencies) {
    if (apps.has(other)) faults.push(`${name} depends on the app ${other}: services talk by events.`);
    if (!references.includes(other)) faults.push(`${name} depends on ${other}, but its tsconfig.json has no reference to it.`);
  }
  for (const other of imports) {
    const ours = /^@slipway\/(.+)$/.exec(other)?.[1];
    if (ours ? !dependencies.includes(ours) : !outside.includes(other))
      faults.push(`${name} imports ${other}, which its package.json does not name.`);
  }
  return faults;
}

/** The rings in what depends on what, each once. */
function rings(packages: readonly Package[]): string[][] {
  const found = new Map<string, string[]>();
  const walk = (name: string, path: readonly string[]) => {
    const at = path.indexOf(name);
    if (at >= 0) {
      const ring = path.slice(at);
      const key = [...ring].sort().join();
      if (!found.has(key)) found.set(key, [...ring, name]);
      return;
    }
    for (const next of packages.find((one) => one.name === name)?.dependencies ?? []) walk(next, [...path, name]);
  };
  for (const name of packages.map((one) => one.name).sort()) walk(name, []);
  return [...found.values()];
}

/** Reads all workspaces. */
export async function readPackages(): Promise<Package[]> {
  const found: Package[] = [];
  for await (const file of glob('{apps,libs}/*/package.json', { cwd: root })) found.push(await readPackage(dirname(file)));
  return found.sort((one, other) => one.name.localeCompare(other.name));
}

async function readPackage(folder: string): Promise<Package> {
  const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> };
  const names = Object.keys(manifest.dependencies ?? {});
  const settings = await readFile(join(root, folder, 'tsconfig.json'), 'utf8').catch(() => '{}');
  const { references = [] } = JSON.parse(settings) as { references?: { path: string }[] };
  return {
    name: basename(folder),
    room: folder.startsWith('apps/') ? 'apps' : 'libs',
    dependencies: names.filter((name) => name.startsWith('@slipway/')).map((name) => name.slice('@slipway/'.length)),
    outside: names.filter((name) => !name.startsWith('@slipway/')),
    references: references.map((one) => basename(one.path)),
    imports: await importsIn(folder),
  };
}

async function importsIn(folder: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const path of glob('src/**/*.{ts,tsx}', { cwd: join(root, folder) })) {
    if (/\.(spec|contract|fixture|example)\.tsx?$|\/testing\//.test(path)) continue;
    const text = await readFile(join(root, folder, path), 'utf8');
    for (const [, name = ''] of text.matchAll(/^(?:import\s+|(?:import|export)\s[^;'"=]*?\sfrom\s+)'([^'.][^']*)';/gm)) {
      if (!name.startsWith('node:'))
        found.add(
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        );
    }
  }
  return [...found].sort();
}
