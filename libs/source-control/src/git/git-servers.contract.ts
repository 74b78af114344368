import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@slipway/testkit';
import { plain } from './git-ground.contract.js';

const run = promisify(execFile);

/** A port nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** The certificate's file: it is its own authority. */
  readonly file: string;
}

/** Makes a self-signed certificate for 127.0.0.1 in `folder`. */
export async function aCertificate(folder: string, name: string): Promise<Certificate> {
  const [file, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', file];
  const says = ['-days', '2', '-subj', `/CN=${name} for tests`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  await run('openssl', ['req', '-x509', ...made, ...says], { timeout: 30_000 });
  return { cert: readFileSync(file), key: readFileSync(key), file };
}

/** Smart http: the real `git http-backend` behind a small server, with a password or TLS where one is given. */
export async function serveHttp(
  folder: string,
  login?: string,
  before?: (request: IncomingMessage, response: ServerResponse) => boolean,
  certificate?: Certificate,
): Promise<Served> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (before?.(request, response)) return;
    if (login !== undefined && request.headers.authorization !== `Basic ${Buffer.from(login).toString('base64')}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    backend(folder, request, response);
  };
  const server = certificate === undefined ? createServer(answer) : createTlsServer(certificate, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
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

/**
 * The real sshd with one key, the secret `deploy-key` of the source `shop`, one host key and nothing else; `rekey` gives it another host key.
 * `more` are further options of sshd.
 */
export async function serveSsh(
  folder: string,
  secrets: string,
  more: readonly string[] = [],
): Promise<Served & { rekey(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-sshd-'));
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, 'client')]);
  await mkdir(join(secrets, 'shop'), { recursive: true });
  await copyFile(join(home, 'client'), join(secrets, 'shop', 'deploy-key'));
  await chmod(join(secrets, 'shop', 'deploy-key'), 0o600);
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
      ...more,
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
  const open = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
  await eventually(open, { within });
}

/** Ends a server and what it started, and waits for it. */
export async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, 'SIGTERM');
  await gone;
}
