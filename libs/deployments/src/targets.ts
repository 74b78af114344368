import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { DockerTarget, TargetFile } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { DockerOrchestrator, type Orchestrator } from '@slipway/orchestrators';

/** What every target shares that is not in its file. */
export interface TargetOptions {
  /** Private and lasting: containers come back from it after a reboot. */
  readonly dataDir: string;
  /** The engine of a docker target that names none; DOCKER_HOST by custom. */
  readonly dockerHost?: string | undefined;
  /** Keeps two installations on one engine apart. */
  readonly installation?: string | undefined;
  /** An HAProxy image; made of the host's own haproxy when absent. */
  readonly proxyImage?: string | undefined;
}

/** Where things run, as one version of a target's file says. */
export interface TargetPlace {
  /** The target's. */
  readonly name: string;
  readonly docker: DockerTarget;
}

/** How many places are kept at hand: versions of a target come and go, and a place that is asked for again is made again. */
const mostKnown = 200;

/** The orchestrator behind each place, one for as long as what its target's file says of it stays the same. */
export class Targets {
  private readonly known = new Map<string, Orchestrator>();

  constructor(private readonly options: TargetOptions) {}

  orchestratorOf(file: TargetFile): Orchestrator {
    return this.at({ name: file.metadata.name, docker: file.spec.docker });
  }

  /** The same for a place that was kept, whatever the target's file says by now. */
  at({ name, docker }: TargetPlace): Orchestrator {
    const key = JSON.stringify([name, docker.host, docker.address, docker.ports]);
    const orchestrator = this.known.get(key) ?? this.made(name, docker);
    // What was used last stays longest.
    this.known.delete(key);
    this.known.set(key, orchestrator);
    const [oldest] = this.known.keys();
    if (this.known.size > mostKnown && oldest !== undefined) this.known.delete(oldest);
    return orchestrator;
  }

  private made(name: string, docker: DockerTarget): Orchestrator {
    const [from = 20_000, to = 20_999] = docker.ports.split('-').map(Number);
    const { dataDir, dockerHost, installation, proxyImage } = this.options;
    return new DockerOrchestrator({
      engine: DockerEngine.connect(docker.host ?? dockerHost),
      dataDir: join(dataDir, 'targets', folderOf(name, docker)),
      address: docker.address,
      ports: [from, to],
      ...(installation === undefined ? {} : { installation }),
      ...(proxyImage === undefined ? {} : { proxyImage }),
    });
  }
}

/** Two engines never share a folder: what one version of a target made on the first outlives what the next version does on the second. */
function folderOf(name: string, { host }: DockerTarget): string {
  if (host === undefined) return name;
  // Short, because sockets live below it.
  return `${name}@${createHash('sha256').update(host).digest('hex').slice(0, 6)}`;
}
