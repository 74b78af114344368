import { existsSync, readFileSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { DataDir } from './data-dir.ts';
import { type DockerApi, dockerApi } from './docker-api.ts';
import type { Part } from './part.ts';
import { findCommand, startProcess } from './processes.ts';
import { rememberNetwork, removeEngineFolder, restoreNetwork } from './remains.ts';
import { until } from './until.ts';

/** How our own Docker Engine is run, where none answers. */
export interface OwnEngine {
  /**
   * `apart`: with its data in the data folder, gone at the end. `machine`: as the machine's Engine (/var/lib/docker, /var/run/docker.sock), whose
   * containers go on running when we stop.
   */
  kind: 'apart' | 'machine';
}

/**
 * Room for some three hundred environments, each a network of its own, where an Engine's usual pools have room for thirty: out of the same ranges, each network with as many addresses
 * as an environment can use. What the host has a route to is passed by.
 */
export const addressPools = ['172.28.0.0/14', '192.168.0.0/16'].flatMap((base) => ['--default-address-pool', `base=${base},size=22`]);

const machineSocket = '/var/run/docker.sock';
/** Engines up to 20.10 write this file whatever folders they are given. */
const engineKey = '/etc/docker/key.json';
/** Made by an Engine whatever folders it is given, and left behind empty. */
const engineFolders = ['/run/docker/plugins', '/run/docker', '/run/containerd/s', '/run/containerd'];

/** Finds a Docker Engine that answers, by DOCKER_HOST or by the usual sockets; undefined when there is none. */
export async function findDocker(): Promise<DockerApi | undefined> {
  for (const host of dockerHosts()) {
    const docker = dockerApi(host);
    if (await docker.answers()) return docker;
  }
  return undefined;
}

/** Uses the Docker Engine that answers, else, as root, starts one. Its url is what DOCKER_HOST wants. */
export async function startDocker(dataDir: DataDir, own: OwnEngine): Promise<Part> {
  const found = await findDocker();
  if (found !== undefined) return { name: 'docker', url: found.host, ours: false, stop: async () => {} };
  const wanted = process.env['DOCKER_HOST'];
  if (wanted) throw new Error(`DOCKER_HOST is ${wanted}, but no Docker Engine answers there. Start it, or unset DOCKER_HOST.`);
  const dockerd = findCommand('dockerd');
  if (dockerd === undefined || process.getuid?.() !== 0) throw new Error(noDocker());
  return runEngine(dataDir, dockerd, own);
}

async function runEngine(dataDir: DataDir, dockerd: string, own: OwnEngine): Promise<Part> {
  const hadKey = existsSync(engineKey);
  const newFolders = engineFolders.filter((folder) => !existsSync(folder));
  const apart = own.kind === 'apart';
  if (apart) await rememberNetwork(dataDir.path);
  const state = await dataDir.folder('docker-run');
  const socket = apart ? join(state, 'docker.sock') : machineSocket;
  const places = apart
    ? ['--data-root', await dataDir.folder('docker'), '--exec-root', join(state, 'exec'), '--pidfile', join(state, 'docker.pid')]
    : ['--live-restore'];
  const url = `unix://${socket}`;
  const args = [...places, ...addressPools, '--host', url, '--log-level', 'warn'];
  const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  const engine = await startProcess(dataDir, {
    name: 'dockerd',
    command: dockerd,
    args,
    env: { ...process.env, PATH: path },
    graceMs: 30_000,
  });
  const docker = dockerApi(url);
  const stop = async (): Promise<void> => {
    await engine.stop();
    if (!apart) return;
    await restoreNetwork(dataDir.path);
    if (!hadKey) await rm(engineKey, { force: true });
    for (const folder of newFolders) await rmdir(folder).catch(() => undefined);
    await removeEngineFolder(state);
  };
  try {
    await until('the Docker Engine answers', () => docker.answers(), { within: 60_000, stillWorthIt: engine.assertRunning });
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: 'docker', url, ours: true, stop };
}

function dockerHosts(): string[] {
  const named = process.env['DOCKER_HOST'];
  if (named) return [named];
  const home = homedir();
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const sockets = [
    machineSocket,
    runtime && join(runtime, 'docker.sock'),
    join(home, '.docker/run/docker.sock'),
    join(home, '.colima/default/docker.sock'),
    join(home, '.orbstack/run/docker.sock'),
  ];
  return sockets.filter((path): path is string => typeof path === 'string' && existsSync(path)).map((path) => `unix://${path}`);
}

function noDocker(): string {
  if (existsSync(machineSocket)) {
    return `A Docker Engine has a socket at ${machineSocket}, but it does not answer. Is it running, and may you use it (group docker)? Or name another in DOCKER_HOST.`;
  }
  const hint = isDebian() ? 'apt-get install docker.io' : 'see https://docs.docker.com/engine/install/';
  return `No Docker Engine answers and none can be started here. Install one (${hint}) and start it, or name one in DOCKER_HOST.`;
}

function isDebian(): boolean {
  return existsSync('/etc/os-release') && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
}
