import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { giveBack } from './borrowed.ts';
import { endLeftover, isAlive, readRecord, startTicksOf } from './processes.ts';
import { removeEngineFolder, restoreNetwork } from './remains.ts';

/** Where a run keeps its data, its logs (`logs/`) and the records of its processes (`run/`). */
export interface DataDir {
  readonly path: string;
  readonly logs: string;
  readonly run: string;
  /** True when the folder goes away at the end. */
  readonly temporary: boolean;
  /** A folder inside it, made if need be. */
  folder(name: string): Promise<string>;
  /** A small value that outlives a restart, such as the port a part had last time. */
  remembered(name: string): Promise<string | undefined>;
  remember(name: string, value: string): Promise<void>;
  /** Gives the folder up, and removes it when it is temporary. */
  close(): Promise<void>;
  /** Gives the folder up and lets it lie. */
  keep(): Promise<void>;
}

interface Owner {
  pid: number;
  startTicks: string | undefined;
  purpose: string;
}

const prefix = 'slipway-';

/**
 * Opens a lasting data folder. Refuses one that another live process uses; ends what a killed one left running in it.
 */
export async function openDataDir(path: string, purpose: string): Promise<DataDir> {
  const dir = resolve(path);
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const owner = await ownerOf(dir);
  if (owner !== undefined && isAlive(owner)) {
    throw new Error(
      `${dir} is in use by process ${owner.pid} (${owner.purpose}). Stop that one first, or name another folder in SLIPWAY_DATA_DIR.`,
    );
  }
  await endLeftoversIn(dir);
  return take(dir, purpose, false);
}

/** Makes a data folder for one run, after removing those of earlier runs that were killed. */
export async function temporaryDataDir(purpose: string): Promise<DataDir> {
  await sweep();
  const dir = join(tmpdir(), `${prefix}${purpose}-${randomBytes(4).toString('hex')}`);
  await mkdir(dir);
  // A server that may not run as root must reach its data in here.
  await chmod(dir, 0o755);
  const dataDir = await take(dir, purpose, true);
  process.once('exit', () => sweepAfterUs(dir));
  return dataDir;
}

/** Where we end without having closed the folder (vitest on Ctrl-C, a second Ctrl-C), a process of its own does it once we are gone. */
function sweepAfterUs(dir: string): void {
  if (!existsSync(join(dir, 'owner.json'))) return;
  spawn(process.execPath, [join(import.meta.dirname, 'sweep.ts'), dir], { detached: true, stdio: 'ignore' }).unref();
}

/** Ends and removes what killed runs left in the temporary folder. Those of live ones and of other users stay. */
export async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const dir = join(tmpdir(), name);
    if (!name.startsWith(prefix) || !(await isMine(dir))) continue;
    const owner = await ownerOf(dir);
    if (owner === undefined || isAlive(owner)) continue;
    await endLeftoversIn(dir);
    // Where a part that was borrowed is away now, the folder stays for the next time.
    await giveBack(dir).then(
      () => removeFolder(dir),
      () => undefined,
    );
  }
}

async function take(dir: string, purpose: string, temporary: boolean): Promise<DataDir> {
  const logs = join(dir, 'logs');
  const run = join(dir, 'run');
  await Promise.all([mkdir(logs, { recursive: true }), mkdir(run, { recursive: true })]);
  const owner: Owner = { pid: process.pid, startTicks: startTicksOf(process.pid), purpose };
  await writeFile(join(dir, 'owner.json'), JSON.stringify(owner));
  const memory = (name: string): string => join(dir, 'remembered', name);
  return {
    path: dir,
    logs,
    run,
    temporary,
    folder: async (name) => {
      const folder = join(dir, name);
      await mkdir(folder, { recursive: true });
      return folder;
    },
    remembered: async (name) => (await readFile(memory(name), 'utf8').catch(() => undefined))?.trim(),
    remember: async (name, value) => {
      await mkdir(join(dir, 'remembered'), { recursive: true, mode: 0o700 });
      await writeFile(memory(name), `${value}\n`, { mode: 0o600 });
    },
    close: async () => {
      if (temporary) await removeFolder(dir);
      else await leave(dir);
    },
    keep: () => leave(dir),
  };
}

async function leave(dir: string): Promise<void> {
  await rm(join(dir, 'owner.json'), { force: true });
}

async function endLeftoversIn(dir: string): Promise<void> {
  const run = join(dir, 'run');
  for (const file of await readdir(run).catch(() => [])) {
    const record = await readRecord(join(run, file));
    if (record !== undefined) await endLeftover(record);
    await rm(join(run, file), { force: true });
  }
}

async function removeFolder(dir: string): Promise<void> {
  await restoreNetwork(dir);
  await removeEngineFolder(dir);
}

async function ownerOf(dir: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(dir, 'owner.json'), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

async function isMine(dir: string): Promise<boolean> {
  const info = await stat(dir).catch(() => undefined);
  return info?.isDirectory() === true && info.uid === (process.getuid?.() ?? info.uid);
}
