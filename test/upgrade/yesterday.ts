import { type ExecFileException, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../../tools/parts/cache.ts';
import { mainOf, root } from '../../tools/suite/services.ts';

const run = promisify(execFile);

/** Where the commit is pinned that upgrades are tested from; `node test/upgrade/pin.ts` moves it forward. */
export const pinFile = join(import.meta.dirname, 'yesterday.json');

/** What is compiled of an earlier commit, and what must be known of it. */
export interface Yesterday {
  readonly commit: string;
  /** As a checkout: `apps/<service>/dist/main.js` is in it. */
  readonly folder: string;
  /** Packages that it is locked to in other versions than the ones it is run with here, for people. */
  readonly warnings: readonly string[];
}

/** The commit whose services run beside this checkout's. */
export async function pinned(): Promise<string> {
  const { commit } = JSON.parse(await readFile(pinFile, 'utf8')) as { commit: string };
  return commit;
}

/**
 * Compiles the services of the pinned commit, once: they are kept in the user's cache. They use the packages that are installed in this checkout.
 * @throws Error saying what to do where the history is not here, or it does not compile.
 */
export async function compiledYesterday(tell: (text: string) => void = () => {}): Promise<Yesterday> {
  const commit = await pinned();
  await mustBeHere(commit);
  const warnings = await otherPackages(commit);
  for (const warning of warnings) tell(warning);
  const folder = join(await cacheDir('yesterday'), commit);
  if (!existsSync(mainOf('gateway', folder))) await compile(commit, folder, tell);
  return { commit, folder, warnings };
}

async function mustBeHere(commit: string): Promise<void> {
  try {
    await git('cat-file', '-e', `${commit}^{commit}`);
  } catch (error) {
    const shallow = (await git('rev-parse', '--is-shallow-repository').catch(() => '')).trim() === 'true';
    const way = shallow ? 'this is a shallow clone; git fetch --unshallow brings it' : `git fetch origin ${commit} brings it`;
    throw new Error(
      `upgrades are tested from ${commit}, which is not in this repository: ${way}, or pin another: node test/upgrade/pin.ts <commit>`,
      {
        cause: error,
      },
    );
  }
}

/** What the commit is locked to and this checkout has in another version: its services are run with what is installed here. */
async function otherPackages(commit: string): Promise<string[]> {
  const lockOf = (text: string) =>
    (JSON.parse(text) as { packages: Record<string, { version?: string; dev?: boolean; link?: boolean }> }).packages;
  const then = lockOf(await git('show', `${commit}:package-lock.json`));
  const now = lockOf(await readFile(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(then).flatMap(([path, { version, dev, link }]) => {
    if (!path.startsWith('node_modules/') || dev || link || now[path]?.version === version) return [];
    return [`${path.slice('node_modules/'.length)} was ${version} yesterday and is ${now[path]?.version ?? 'not installed'} here`];
  });
}

async function compile(commit: string, folder: string, tell: (text: string) => void): Promise<void> {
  tell(`compiling ${commit.slice(0, 12)}, once`);
  const cache = await cacheDir('yesterday');
  const making = await mkdtemp(join(cache, 'making-'));
  try {
    const archive = join(making, 'source.tar');
    await git('archive', '--format=tar', '-o', archive, commit, 'libs', 'apps', 'tsconfig.json', 'tsconfig.base.json', 'package.json');
    await run('tar', ['-xf', archive, '-C', making]);
    await rm(archive);
    await linkPackages(making);
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'], {
      cwd: making,
      timeout: 600_000,
    }).catch((error: ExecFileException & { stdout?: string }) => {
      throw new Error(`${commit} does not compile with the packages of this checkout:\n${(error.stdout ?? '').slice(0, 4000)}`, {
        cause: error,
      });
    });
    await writeFile(join(making, 'commit'), commit);
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Somebody else was as quick: what is there is the same.
    if (!existsSync(mainOf('gateway', folder))) throw error;
  }
}

/** Packages that are not ours are shared with this checkout; ours are its own. */
async function linkPackages(folder: string): Promise<void> {
  const modules = join(root, 'node_modules');
  const own = join(folder, 'node_modules', '@slipway');
  await mkdir(own, { recursive: true });
  for (const name of await readdir(modules))
    if (name !== '@slipway' && name !== '.cache') await symlink(join(modules, name), join(folder, 'node_modules', name));
  for (const room of ['libs', 'apps'])
    for (const name of await readdir(join(folder, room))) await symlink(join('..', '..', room, name), join(own, name));
}

async function git(...args: string[]): Promise<string> {
  return (await run('git', ['-C', root, ...args], { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 })).stdout;
}
