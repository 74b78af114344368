import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DockerEngine } from '@slipway/docker-engine';
import type { DataDir } from '../../../tools/parts/data-dir.ts';
import { freePort } from '../../../tools/parts/ports.ts';
import { type Child, startProcess } from '../../../tools/parts/processes.ts';
import { until } from '../../../tools/parts/until.ts';

/** Engines up to 20.10 write this file whatever folders they are given. */
const engineKey = '/etc/docker/key.json';

/** A Docker Engine to be hurt, in a world of its own (own-world.ts). */
export interface HurtEngine {
  /** `host:port`, where its API is without TLS: only proxies of the same loopback address get there. */
  readonly address: string;
  readonly engine: DockerEngine;
  /** Ends it: SIGTERM stops its containers in order, SIGKILL ends it alone and they run on until it is back. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function anEngine(dataDir: DataDir): Promise<HurtEngine> {
  const hadKey = existsSync(engineKey);
  const state = await dataDir.folder('run-docker');
  const socket = join(state, 'docker.sock');
  const address = `127.0.0.1:${await freePort()}`;
  const engine = DockerEngine.connect(`unix://${socket}`);
  const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  const env = { ...process.env, PATH: path };
  const run = (name: string, args: readonly string[]) => startProcess(dataDir, { name, command: name, args, env, graceMs: 30_000 });
  const containerdSocket = join(state, 'containerd.sock');
  const children: { containerd?: Child; dockerd?: Child } = {};
  const start = async (): Promise<void> => {
    if (!children.containerd?.running) {
      const folders = ['--root', await dataDir.folder('containerd'), '--state', join(state, 'containerd')];
      await rm(containerdSocket, { force: true });
      children.containerd = await run('containerd', [...folders, '--address', containerdSocket, '--log-level', 'warn']);
      const { assertRunning } = children.containerd;
      await until('containerd listens', () => existsSync(containerdSocket), { within: 30_000, stillWorthIt: assertRunning });
    }
    if (children.dockerd?.running) return;
    const places = ['--data-root', await dataDir.folder('docker'), '--exec-root', join(state, 'exec'), '--pidfile', join(state, 'pid')];
    const hosts = ['--host', `unix://${socket}`, '--host', `tcp://${address}`];
    children.dockerd = await run('dockerd', [...places, ...hosts, '--containerd', containerdSocket, '--log-level', 'warn']);
    const { assertRunning } = children.dockerd;
    await until('the Docker Engine answers', () => engine.ping().then(() => true), { within: 90_000, stillWorthIt: assertRunning });
  };
  const stop = async (): Promise<void> => {
    if (children.dockerd?.running) {
      const all = await engine.containers.list().catch(() => []);
      await Promise.all(all.map(({ id }) => engine.containers.remove(id, { force: true }).catch(() => undefined)));
    }
    await children.dockerd?.stop();
    await children.containerd?.stop();
    if (!hadKey) await rm(engineKey, { force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    engine,
    start,
    stop,
    end: async (signal) => {
      const { dockerd } = children;
      if (dockerd?.running && signal === 'SIGKILL') process.kill(dockerd.pid, signal);
      await dockerd?.stop();
    },
  };
}
