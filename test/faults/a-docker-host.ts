import { execFile } from 'node:child_process';
import { readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DockerEngine } from '@slipway/docker-engine';
import { Cleanup } from '../../tools/parts/cleanup.ts';
import { temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { type Child, findCommand, startProcess } from '../../tools/parts/processes.ts';
import { until } from '../../tools/parts/until.ts';
import { dockerEnvironment, dockerOfItsOwn } from './parts/docker-of-its-own.ts';

const run = promisify(execFile);
const registryPort = 5000;

/**
 * A Docker host beside the machine's own: containerd, dockerd and a registry in a network of their own, which may be stopped and killed at will. Its
 * unix socket is reached from anywhere, its ports only from inside.
 */
export interface DockerHost {
  readonly engine: DockerEngine;
  readonly socket: string;
  /** As the images' names have it. */
  readonly registry: string;
  /** A private folder that goes away with the host. */
  readonly folder: string;
  /** Runs a program inside the network to its end and gives what it wrote. Throws on any exit code but 0. */
  inside(command: string, args: readonly string[], timeoutMs: number): Promise<string>;
  /** Ends Docker, and with it the registry: nobody may need an image to come back. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts Docker again, and nothing else. */
  startDocker(): Promise<void>;
  startRegistry(): Promise<void>;
  close(): Promise<void>;
}

/** As root on Linux, with what `npm test` installs. */
export const mayHaveOwnHost = process.platform === 'linux' && process.getuid?.() === 0 && findCommand('dockerd') !== undefined;

/** Starts one. A network without a name goes away with its last process, so that even a killed test leaves none. */
export async function aDockerHost(): Promise<DockerHost> {
  const cleanup = new Cleanup();
  const dataDir = await temporaryDataDir('docker-host');
  cleanup.defer('remove the folder', () => dataDir.close(), 60_000);
  const close = async (): Promise<void> => {
    const failed = await cleanup.run();
    if (failed.length > 0) throw new Error(`left behind of the Docker host: ${failed.join('; ')}`);
  };
  const network = await startProcess(dataDir, { name: 'network', command: 'unshare', args: ['--net', '--', 'sleep', 'infinity'] });
  cleanup.defer('give up the network', () => network.stop());
  const enter = [`--net=/proc/${network.pid}/ns/net`, '--'];
  const env = dockerEnvironment();
  const own = await readNetwork('self');
  await until('the network is there', async () => (await readNetwork(network.pid)) !== own, { within: 10_000 });
  const inside: DockerHost['inside'] = async (command, args, timeout) => {
    return (await run('nsenter', [...enter, command, ...args], { env, timeout, maxBuffer: 1 << 24 })).stdout;
  };
  const through = (command: string, args: readonly string[]) => ({ command: 'nsenter', args: [...enter, command, ...args] });
  const docker = await dockerOfItsOwn({ dataDir, through });
  cleanup.defer('remove the key', docker.forget);
  const state = await dataDir.folder('run-registry');
  let registry: Child | undefined;
  const startRegistry = async (): Promise<void> => {
    const config = join(state, 'registry.yml');
    const lines = [
      'version: 0.1',
      'log: {level: warn, accesslog: {disabled: true}}',
      `storage: {filesystem: {rootdirectory: ${JSON.stringify(await dataDir.folder('registry'))}}}`,
      `http: {addr: '127.0.0.1:${registryPort}', secret: of-a-test}`,
    ];
    await writeFile(config, `${lines.join('\n')}\n`);
    const program = through('docker-registry', ['serve', config]);
    const child = await startProcess(dataDir, { name: 'registry', ...program, env, graceMs: 30_000 });
    registry = child;
    const asked = ['-e', `fetch('http://127.0.0.1:${registryPort}/v2/').then((answer) => process.exit(answer.ok ? 0 : 1))`];
    const answers = () => inside(process.execPath, asked, 10_000).then(() => true);
    await until('the registry answers', answers, { within: 30_000, stillWorthIt: child.assertRunning });
  };
  const end: DockerHost['end'] = async (signal) => {
    if (registry?.running && signal === 'SIGKILL') process.kill(registry.pid, signal);
    await registry?.stop();
    await docker.end('dockerd', signal);
    await docker.end('containerd', signal);
  };
  cleanup.defer('stop Docker', () => end('SIGTERM'), 90_000);
  cleanup.defer('remove the containers', docker.removeContainers);
  const host: DockerHost = {
    engine: docker.engine,
    socket: docker.socket,
    registry: `127.0.0.1:${registryPort}`,
    folder: await dataDir.folder('slipway'),
    inside,
    end,
    startDocker: docker.start,
    startRegistry,
    close,
  };
  try {
    await inside('busybox', ['ip', 'link', 'set', 'lo', 'up'], 10_000);
    await docker.start();
    await startRegistry();
    return host;
  } catch (error) {
    await close();
    throw error;
  }
}

function readNetwork(pid: number | 'self'): Promise<string> {
  return readlink(`/proc/${pid}/ns/net`);
}
