import type { DockerEngine } from '@slipway/docker-engine';
import type { DataDir } from '../../../tools/parts/data-dir.ts';
import { freePort } from '../../../tools/parts/ports.ts';
import { dockerOfItsOwn } from './docker-of-its-own.ts';
import { stepsInTurn } from './steps-in-turn.ts';

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
  const address = `127.0.0.1:${await freePort()}`;
  const docker = await dockerOfItsOwn({ dataDir, hosts: [`tcp://${address}`] });
  const inTurn = stepsInTurn();
  const stop = async (): Promise<void> => {
    await docker.removeContainers().catch(() => undefined);
    await docker.end('dockerd', 'SIGTERM');
    await docker.end('containerd', 'SIGTERM');
    await docker.forget();
  };
  try {
    await docker.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    engine: docker.engine,
    start: () => inTurn(docker.start),
    stop,
    end: (signal) => inTurn(() => docker.end('dockerd', signal)),
  };
}
