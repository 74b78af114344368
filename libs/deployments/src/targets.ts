import { join } from 'node:path';
import type { TargetFile } from '@slipway/contracts';
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

/** The orchestrator behind each target, one for as long as its file stays the same. */
export class Targets {
  private readonly known = new Map<string, Orchestrator>();

  constructor(private readonly options: TargetOptions) {}

  orchestratorOf(file: TargetFile): Orchestrator {
    const key = JSON.stringify(file);
    const before = this.known.get(key);
    if (before) return before;
    const { docker } = file.spec;
    const [from = 20_000, to = 20_999] = docker.ports.split('-').map(Number);
    const { dataDir, dockerHost, installation, proxyImage } = this.options;
    const orchestrator = new DockerOrchestrator({
      engine: DockerEngine.connect(docker.host ?? dockerHost),
      dataDir: join(dataDir, 'targets', file.metadata.name),
      address: docker.address,
      ports: [from, to],
      ...(installation === undefined ? {} : { installation }),
      ...(proxyImage === undefined ? {} : { proxyImage }),
    });
    this.known.set(key, orchestrator);
    return orchestrator;
  }
}
