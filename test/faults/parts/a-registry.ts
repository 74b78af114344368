import { readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { DataDir } from '../../../tools/parts/data-dir.ts';
import { freePort } from '../../../tools/parts/ports.ts';
import { type Child, findCommand, startProcess } from '../../../tools/parts/processes.ts';
import { until } from '../../../tools/parts/until.ts';
import { stepsInTurn } from './steps-in-turn.ts';

/** A registry to be hurt, which comes back with what it had. */
export interface HurtRegistry {
  /** Straight: `host:port`. */
  readonly url: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Asks it, straight. */
  ask(method: string, path: string, body?: Buffer, type?: string): Promise<Response>;
  /** Ids of uploads that were begun and have not come to their end, as its disk has them: those under way, and those that broke off. */
  uploads(): Promise<ReadonlySet<string>>;
  stop(): Promise<void>;
}

export async function aRegistry(dataDir: DataDir): Promise<HurtRegistry> {
  const program = findCommand('docker-registry');
  if (program === undefined) throw new Error('a registry that can be hurt needs the package docker-registry');
  const folder = await dataDir.folder('registry');
  const port = await freePort();
  const config = join(folder, 'config.yml');
  const lines = [
    'version: 0.1',
    'log: {level: error, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${JSON.stringify(join(folder, 'data'))}}, delete: {enabled: true}}`,
    `http: {addr: '127.0.0.1:${port}', secret: of-a-fault-run}`,
  ];
  await writeFile(config, `${lines.join('\n')}\n`, { mode: 0o600 });
  const url = `127.0.0.1:${port}`;
  const ask: HurtRegistry['ask'] = (method, path, body, type) =>
    fetch(`http://${url}/v2/${path}`, {
      method,
      headers: type === undefined ? { accept: manifests } : { 'content-type': type },
      ...(body && { body: new Uint8Array(body) }),
      signal: AbortSignal.timeout(5000),
    });
  let child: Child | undefined;
  const inTurn = stepsInTurn();
  const start = async (): Promise<void> => {
    if (child?.running) return;
    const started = await startProcess(dataDir, { name: 'registry', command: program, args: ['serve', config] });
    child = started;
    const answers = () => ask('GET', '').then((answer) => answer.ok);
    await until('the registry answers', answers, { within: 30_000, stillWorthIt: started.assertRunning });
  };
  await start();
  return {
    url,
    ask,
    uploads: async () => {
      const names = await readdir(join(folder, 'data'), { recursive: true }).catch(() => []);
      return new Set(names.flatMap((name) => /\/_uploads\/([^/]+)$/.exec(name)?.[1] ?? []));
    },
    start: () => inTurn(start),
    kill: () =>
      inTurn(async () => {
        if (child?.running) process.kill(child.pid, 'SIGKILL');
        await child?.exited;
      }),
    stop: async () => child?.stop(),
  };
}

const manifests =
  'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json';

/** Stands in for a registry in trouble: answers everything with this status. */
export interface Troubled {
  readonly address: string;
  /** How many requests it has refused. */
  readonly refused: number;
  close(): Promise<void>;
}

export async function aTroubledRegistry(status: 500 | 503 | 429): Promise<Troubled> {
  let refused = 0;
  const server: Server = createServer((request, answer) => {
    refused++;
    request.resume();
    const headers = { 'content-type': 'application/json', ...(status === 429 && { 'retry-after': '1' }) };
    answer
      .writeHead(status, headers)
      .end(JSON.stringify({ errors: [{ code: status === 429 ? 'TOOMANYREQUESTS' : 'UNKNOWN', message: 'in trouble' }] }));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get refused() {
      return refused;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
