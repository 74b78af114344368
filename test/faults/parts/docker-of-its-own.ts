import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DockerEngine } from '@slipway/docker-engine';
import type { DataDir } from '../../../tools/parts/data-dir.ts';
import { addressPools } from '../../../tools/parts/docker.ts';
import { type Child, startProcess } from '../../../tools/parts/processes.ts';
import { until } from '../../../tools/parts/until.ts';
import { mendHalfRemovedNetworks } from './half-removed-networks.ts';

/** Engines up to 20.10 write this file whatever folders they are given. */
const engineKey = '/etc/docker/key.json';

/** containerd and dockerd with folders of their own, to be ended and started at will. */
export interface DockerOfItsOwn {
  readonly engine: DockerEngine;
  /** Of its API; in a private folder. */
  readonly socket: string;
  /** Starts whichever of the two does not run, and waits until the engine answers. */
  start(): Promise<void>;
  /** SIGKILL ends it at once, SIGTERM in order; ended it is either way. */
  end(what: 'dockerd' | 'containerd', signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Removes every container, where the engine runs. */
  removeContainers(): Promise<void>;
  /** Takes away what an engine leaves outside its folders, where it was not there before. */
  forget(): Promise<void>;
}

interface Place {
  readonly dataDir: DataDir;
  /** Further addresses of the API, as dockerd's `--host` has them. */
  readonly hosts?: readonly string[];
  /** How a program is started there; as any other by default. */
  readonly through?: (command: string, args: readonly string[]) => { readonly command: string; readonly args: readonly string[] };
}

/** As the environment of this process, with the folders that Docker's programs are in. */
export const dockerEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
});

/** Nothing runs yet. */
export async function dockerOfItsOwn({
  dataDir,
  hosts = [],
  through = (command, args) => ({ command, args }),
}: Place): Promise<DockerOfItsOwn> {
  const hadKey = existsSync(engineKey);
  const state = await dataDir.folder('run-docker');
  const [socket, containerdSocket] = [join(state, 'docker.sock'), join(state, 'containerd.sock')];
  const engine = DockerEngine.connect(`unix://${socket}`);
  const children: Partial<Record<'containerd' | 'dockerd', Child>> = {};
  const run = async (name: 'containerd' | 'dockerd', args: readonly string[]): Promise<Child> => {
    children[name] = await startProcess(dataDir, { name, ...through(name, args), env: dockerEnvironment(), graceMs: 30_000 });
    return children[name];
  };
  const start = async (): Promise<void> => {
    if (!children.containerd?.running) {
      const folders = ['--root', await dataDir.folder('containerd'), '--state', join(state, 'containerd')];
      await rm(containerdSocket, { force: true });
      const { assertRunning } = await run('containerd', [...folders, '--address', containerdSocket, '--log-level', 'warn']);
      await until('containerd listens', () => existsSync(containerdSocket), { within: 30_000, stillWorthIt: assertRunning });
    }
    if (children.dockerd?.running) return;
    const root = await dataDir.folder('docker');
    await mendHalfRemovedNetworks(join(root, 'network/files/local-kv.db'));
    const places = ['--data-root', root, '--exec-root', join(state, 'exec'), '--pidfile', join(state, 'pid')];
    const all = [...addressPools, ...[`unix://${socket}`, ...hosts].flatMap((host) => ['--host', host])];
    const { assertRunning } = await run('dockerd', [...places, ...all, '--containerd', containerdSocket, '--log-level', 'warn']);
    await until('the Docker Engine answers', () => engine.ping().then(() => true), { within: 90_000, stillWorthIt: assertRunning });
  };
  return {
    engine,
    socket,
    start,
    end: async (what, signal) => {
      const child = children[what];
      if (child?.running && signal === 'SIGKILL') process.kill(child.pid, signal);
      await child?.stop();
    },
    removeContainers: async () => {
      if (!children.dockerd?.running) return;
      const all = await engine.containers.list();
      await Promise.all(all.map(({ id }) => engine.containers.remove(id, { force: true })));
    },
    forget: async () => {
      if (!hadKey) await rm(engineKey, { force: true });
    },
  };
}
