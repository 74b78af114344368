import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from './cache.ts';
import type { DataDir } from './data-dir.ts';
import { freePorts } from './ports.ts';
import { findCommand, startProcess } from './processes.ts';
import { messageOf, until } from './until.ts';

const run = promisify(execFile);
const module = 'github.com/Shopify/toxiproxy/v2/cmd/server';
const version = 'v2.12.0';
/** The oldest Go that builds it, and the one that is fetched where the machine's is older (Debian 12 has 1.19). */
const oldestGo = [1, 23] as const;
const toolchain = 'v0.0.1-go1.23.12';

/**
 * The program of Shopify's toxiproxy. It is built once, by Go from its module, which Go checks against its checksum database; after that it comes from the cache.
 * Throws, saying what to install, where it would have to be built and Go is not there.
 */
export async function toxiproxyProgram(): Promise<string> {
  const program = join(await cacheDir('toxiproxy'), `toxiproxy-${version}-${process.arch}`);
  if (existsSync(program)) return program;
  const go = findCommand('go') ?? '/usr/local/go/bin/go';
  if (!existsSync(go)) throw new Error('Go is needed to build toxiproxy, the fault proxy (apt-get install golang-go).');
  const half = `${program}.${randomBytes(4).toString('hex')}`;
  try {
    const env = goEnv({ GOBIN: half });
    await run(await goThatBuilds(go), ['install', '-trimpath', `${module}@${version}`], { env, timeout: 600_000, maxBuffer: 1 << 24 });
    await rename(join(half, 'server'), program);
  } catch (error) {
    throw new Error(`Go could not build toxiproxy: ${messageOf(error)}`, { cause: error });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return program;
}

/** The machine's Go where it is new enough, else a newer one: Go's own tool chains are modules, and any Go since 1.11 can fetch and check them. */
async function goThatBuilds(go: string): Promise<string> {
  const { stdout } = await run(go, ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { env: goEnv({}), timeout: 30_000 });
  const [goVersion = '', system, processor] = stdout.trim().split('\n');
  const [major = 0, minor = 0] = /^go(\d+)\.(\d+)/.exec(goVersion)?.slice(1).map(Number) ?? [];
  if (major > oldestGo[0] || (major === oldestGo[0] && minor >= oldestGo[1])) return go;
  const wanted = `golang.org/toolchain@${toolchain}.${system}-${processor}`;
  const fetched = await run(go, ['mod', 'download', '-json', wanted], { env: goEnv({}), timeout: 300_000 });
  const { Dir } = JSON.parse(fetched.stdout) as { Dir: string };
  // A module's files are never executable.
  const tools = join(Dir, 'pkg/tool', `${system}_${processor}`);
  for (const folder of [join(Dir, 'bin'), tools]) for (const name of await readdir(folder)) await chmod(join(folder, name), 0o755);
  return join(Dir, 'bin/go');
}

/** Nothing of how this machine builds its own Go programs; where modules come from stays. */
function goEnv(more: Record<string, string>): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GOFLAGS: '',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
    GOROOT: undefined,
    GOOS: undefined,
    GOARCH: undefined,
    ...more,
  };
}

/** What a toxic does to one direction of a proxy; times in ms, rates in KB/s. See https://github.com/Shopify/toxiproxy#toxics. */
export type Toxic =
  | { type: 'latency'; attributes: { latency: number; jitter?: number } }
  | { type: 'bandwidth'; attributes: { rate: number } }
  /** Stops all data; 0 keeps the connections open, else they are closed after so long. */
  | { type: 'timeout'; attributes: { timeout: number } }
  | { type: 'reset_peer'; attributes: { timeout: number } }
  /** Closes a connection once so many bytes went through it since the toxic is there. */
  | { type: 'limit_data'; attributes: { bytes: number } };

/** `upstream` is from the client to the server. */
export type Direction = 'upstream' | 'downstream';

/** One proxy: a port of the loopback address, and where it leads. */
export interface FaultProxy {
  readonly name: string;
  readonly port: number;
  /** Adds a toxic. `toxicity` is the share of connections that suffer from it, 1 by default; those that are open suffer too. */
  poison(direction: Direction, toxic: Toxic, toxicity?: number): Promise<void>;
  /** Takes all its toxics away. */
  cure(): Promise<void>;
  /** Closes every connection and takes no more, until `open`. */
  close(): Promise<void>;
  open(): Promise<void>;
  /** Closes every connection; new ones go through. */
  cut(): Promise<void>;
  /** Leads elsewhere from now on, to `host:port`; what is open is closed. */
  lead(upstream: string): Promise<void>;
}

/** A toxiproxy that runs. */
export interface Toxiproxy {
  /** Makes a proxy on a free port, or on this one. Upstream is `host:port`. */
  proxy(name: string, upstream: string, port?: number): Promise<FaultProxy>;
  stop(): Promise<void>;
}

const callMs = 10_000;

/** Starts one, without any proxy. */
export async function startToxiproxy(dataDir: DataDir): Promise<Toxiproxy> {
  const program = await toxiproxyProgram();
  const [port = 0] = await freePorts(1);
  const args = ['-host=127.0.0.1', `-port=${port}`];
  const child = await startProcess(dataDir, { name: 'toxiproxy', command: program, args, env: { LOG_LEVEL: 'error' } });
  const call = async (method: string, path: string, body?: object): Promise<string> => {
    const headers = body && { 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${port}${path}`;
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(callMs) });
    const text = await answer.text();
    if (!answer.ok && !(method === 'DELETE' && answer.status === 404)) throw new Error(`toxiproxy: ${method} ${path}: ${text.trim()}`);
    return text;
  };
  try {
    await until('toxiproxy answers', () => call('GET', '/version').then(() => true), { within: 30_000, stillWorthIt: child.assertRunning });
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    proxy: async (name, upstream, wished) => {
      const [free = 0] = wished === undefined ? await freePorts(1) : [wished];
      await call('POST', '/proxies', { name, listen: `127.0.0.1:${free}`, upstream, enabled: true });
      return proxyOf(call, name, free);
    },
    stop: () => child.stop(),
  };
}

function proxyOf(call: (method: string, path: string, body?: object) => Promise<string>, name: string, port: number): FaultProxy {
  const at = `/proxies/${encodeURIComponent(name)}`;
  const enabled = (yes: boolean) => call('POST', at, { enabled: yes }).then(() => undefined);
  return {
    name,
    port,
    poison: async (stream, { type, attributes }, toxicity = 1) => {
      await call('POST', `${at}/toxics`, { name: `${type}-${stream}`, type, stream, toxicity, attributes });
    },
    cure: async () => {
      const toxics = JSON.parse(await call('GET', `${at}/toxics`)) as { name: string }[];
      for (const toxic of toxics) await call('DELETE', `${at}/toxics/${encodeURIComponent(toxic.name)}`);
    },
    close: () => enabled(false),
    open: () => enabled(true),
    cut: () => enabled(false).then(() => enabled(true)),
    lead: (upstream) => call('POST', at, { upstream }).then(() => undefined),
  };
}
