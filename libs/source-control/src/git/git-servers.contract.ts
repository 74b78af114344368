import { execFile, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { refName } from '../ref-name.js';
import { type Change, readTree, type TestRepository } from '../source-control.contract.js';
import type { Point, Source } from '../source-control.js';

const run = promisify(execFile);
const plain = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  HOME: '/nonexistent',
  GIT_ALLOW_PROTOCOL: 'file:http:git:ssh',
};

/** Git as a developer runs it, apart from everything the adapter does. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(
    'git',
    ['-c', 'user.name=dev one', '-c', 'user.email=dev@example.com', '-c', 'safe.directory=*', '-c', 'protocol.file.allow=always', ...args],
    { cwd, env: plain },
  );
  return stdout.trim();
}

/** A port nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A folder with bare repositories, and a developer's clone to push from. */
export class GitGround {
  private constructor(
    readonly folder: string,
    readonly repositories: string,
  ) {}

  static async make(): Promise<GitGround> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-git-'));
    await mkdir(join(folder, 'repos'));
    return new GitGround(folder, join(folder, 'repos'));
  }

  async repository(name: string, url: string, source: Partial<Source> = {}): Promise<TestRepository & { work: string; bare: string }> {
    const bare = join(this.repositories, `${name}.git`);
    const work = join(this.folder, `${name}-work`);
    await git(this.folder, 'init', '-q', '--bare', '-b', 'main', bare);
    await git(this.folder, 'init', '-q', '-b', 'main', work);
    await git(work, 'remote', 'add', 'origin', bare);
    const push = async (ref: string) => git(work, 'push', '-q', '--force', 'origin', ref);
    return {
      work,
      bare,
      source: { name, url, branches: ['main', 'side/*'], tags: ['v*'], ...source },
      main: 'refs/heads/main',
      side: 'refs/heads/side/one',
      tag: 'refs/tags/v1',
      commit: async (change, message, options = {}) => {
        if (options.ref) await git(work, 'checkout', '-q', refName(options.ref));
        await applyChange(work, change);
        await git(work, 'add', '-A', '--force');
        await git(work, 'commit', '-q', '--allow-empty', '-m', message, ...(options.author ? [`--author=${options.author}`] : []));
        await push('HEAD');
        const revision = await git(work, 'rev-parse', 'HEAD');
        if (options.ref) await git(work, 'checkout', '-q', 'main');
        return revision;
      },
      branch: async () => {
        await git(work, 'branch', 'side/one');
        await push('side/one');
      },
      makeTag: async () => {
        await git(work, 'tag', '-a', 'v1', '-m', 'version 1');
        await push('v1');
      },
      remove: async (ref) => {
        await git(work, 'push', '-q', 'origin', `:${ref}`);
      },
      checkout: (point) => this.clone(bare, point),
      close: async () => rm(this.folder, { recursive: true, force: true }),
    };
  }

  /** What `git clone` and `git checkout` give, as a tree. */
  async clone(bare: string, point: Point, ...more: string[]): Promise<Map<string, string>> {
    const folder = await mkdtemp(join(this.folder, 'clone-'));
    await git(folder, 'clone', '-q', '--no-local', bare, 'tree');
    await git(join(folder, 'tree'), 'checkout', '-q', point.revision);
    if (more.length > 0) await git(join(folder, 'tree'), ...more);
    return treeOf(join(folder, 'tree'), '.git');
  }
}

/** A folder as the tree an archive would hold. */
export async function treeOf(folder: string, without: string): Promise<Map<string, string>> {
  const { stdout } = await run('tar', ['-c', '-f', '-', `--exclude=${without}`, '--no-anchored', '.'], {
    cwd: folder,
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  });
  const tree = await readTree(Readable.from([stdout], { objectMode: false }));
  return new Map([...tree].map(([path, what]) => [path.replace(/^\.\//, ''), what]));
}

/** Does to a working folder what a change says. */
export async function applyChange(folder: string, change: Change): Promise<void> {
  for (const [path, what] of Object.entries(change)) {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true });
    if (what === null) await unlink(at);
    else if (typeof what === 'string' || Buffer.isBuffer(what)) await writeFile(at, what);
    else if ('link' in what) await symlink(what.link, at);
    else {
      await writeFile(at, what.run);
      await chmod(at, 0o755);
    }
  }
}

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** Smart http: the real `git http-backend` behind a small server, with a password where one is given. */
export async function serveHttp(
  folder: string,
  login?: string,
  before?: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<Served> {
  const server = createServer((request, response) => {
    if (before?.(request, response)) return;
    if (login !== undefined && request.headers.authorization !== `Basic ${Buffer.from(login).toString('base64')}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    backend(folder, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function backend(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const env = {
    ...plain,
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_ADDR: '127.0.0.1',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
  const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  request.pipe(child.stdin.on('error', () => undefined));
  let head = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    let status = 200;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [key = '', value = ''] = line.split(/: (.*)/s);
      if (key.toLowerCase() === 'status') status = Number.parseInt(value, 10);
      else response.setHeader(key, value);
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
  });
  child.on('close', () => response.end());
}

/** The real `git daemon`. */
export async function serveDaemon(folder: string): Promise<Served> {
  const port = await freePort();
  const child = spawn(
    'git',
    ['daemon', '--reuseaddr', '--export-all', '--listen=127.0.0.1', `--port=${port}`, `--base-path=${folder}`, folder],
    { env: plain, stdio: 'ignore', detached: true },
  );
  await listening(port);
  return { url: `git://127.0.0.1:${port}`, close: () => ended(child) };
}

/** The real sshd with one key, one host key and nothing else; `rekey` gives it another host key. */
export async function serveSsh(folder: string, secrets: string): Promise<Served & { rekey(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-sshd-'));
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, 'client')]);
  await copyFile(join(home, 'client'), join(secrets, 'deploy-key'));
  await chmod(join(secrets, 'deploy-key'), 0o600);
  await copyFile(join(home, 'client.pub'), join(home, 'authorized_keys'));
  const port = await freePort();
  const hostKey = async (name: string) => {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, name)]);
    return join(home, name);
  };
  const start = async (key: string) => {
    const options = [
      `HostKey=${key}`,
      `AuthorizedKeysFile=${join(home, 'authorized_keys')}`,
      `PidFile=${join(home, 'pid')}`,
      'StrictModes=no',
      'UsePAM=no',
      'PermitRootLogin=yes',
      'AcceptEnv=GIT_PROTOCOL',
    ];
    await mkdir('/run/sshd', { recursive: true }).catch(() => undefined);
    const sshd = spawn(
      '/usr/sbin/sshd',
      ['-D', '-e', '-f', '/dev/null', '-p', String(port), '-o', 'ListenAddress=127.0.0.1', ...options.flatMap((option) => ['-o', option])],
      { stdio: 'ignore', detached: true },
    );
    await listening(port);
    return sshd;
  };
  const key = await hostKey('host');
  const [type, body] = (await run('cat', [`${key}.pub`])).stdout.split(' ');
  await writeFile(join(secrets, 'known_hosts'), `[127.0.0.1]:${port} ${type} ${body}\n`);
  let child = await start(key);
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}${folder}`,
    rekey: async () => {
      await ended(child);
      child = await start(await hostKey('other'));
    },
    close: async () => {
      await ended(child);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Waits until somebody listens on the port. */
export async function listening(port: number, within = 10_000): Promise<void> {
  const { connect } = await import('node:net');
  const until = performance.now() + within;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
    if (open) return;
    if (performance.now() > until) throw new Error(`nobody listens on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ends a server and what it started, and waits for it. */
export async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, 'SIGTERM');
  await gone;
}
