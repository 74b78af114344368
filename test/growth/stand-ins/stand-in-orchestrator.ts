import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type {
  ActContext,
  Applied,
  Capabilities,
  Deployment,
  EnvironmentRef,
  InstanceEvidence,
  Observed,
  OneShot,
  OneShotResult,
  Orchestrator,
  TargetUnavailable as Unavailable,
} from '@slipway/orchestrators';
import { compiled } from './replace-port.ts';
import type { Call } from './target-state.ts';

const { TargetUnavailable } = (await compiled('libs/orchestrators/dist/index.js')) as { TargetUnavailable: typeof Unavailable };
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const answerWithinMs = 8_000;

/** What the Places ports of test-deployer and production-rollout give: the stand-in for every target. */
export function standInPlaces() {
  const url = process.env['GROWTH_TARGET'];
  if (url === undefined) throw new Error('GROWTH_TARGET names the stand-in target');
  const orchestrator = new StandInOrchestrator(new URL(url));
  return { orchestratorOf: () => orchestrator, at: () => orchestrator };
}

/**
 * STAND-IN for a driver: the target behind it is a process of its own (stand-ins/target.ts) that takes 10 ms for what changes something and
 * keeps its own history, so that it outlives the services and may be asked about them.
 */
export class StandInOrchestrator implements Orchestrator {
  readonly capabilities = {
    ...{ driver: 'stand-in', rolling: 'native', blueGreen: 'none', canary: 'none', drain: 'native', stablePort: 'native' },
    ...{ restartsWithoutUs: 'native', secretFiles: 'none', oneShot: 'native', fencing: 'native', jobs: 'none', discovery: 'none' },
    notes: {},
  } as const satisfies Capabilities;

  readonly #url: URL;

  constructor(url: URL) {
    this.#url = url;
  }

  async apply(deployment: Deployment, { signal, epoch }: ActContext): Promise<Applied> {
    const { environment, release, attempt, digest, instances } = deployment;
    return await this.ask({ do: 'apply', environment, release, attempt, digest, instances, epoch }, signal);
  }

  async observe(environment: EnvironmentRef, signal?: AbortSignal): Promise<Observed> {
    return await this.ask({ do: 'observe', environment }, signal);
  }

  /** Nothing ever happens there by itself: what stands at the beginning is all there is to see. */
  async *watch(environment: EnvironmentRef, signal: AbortSignal): AsyncIterable<Observed> {
    yield await this.observe(environment, signal);
    if (!signal.aborted) await once(signal, 'abort');
  }

  async scale(environment: EnvironmentRef, instances: number, { signal, epoch }: ActContext): Promise<Applied> {
    return await this.ask({ do: 'scale', environment, instances, epoch }, signal);
  }

  async remove(environment: EnvironmentRef, { signal, epoch }: ActContext): Promise<boolean> {
    await this.ask({ do: 'remove', environment, epoch }, signal);
    return true;
  }

  async runOnce({ environment, release, signal }: OneShot): Promise<OneShotResult> {
    return await this.ask({ do: 'run', environment, release }, signal);
  }

  async available(): Promise<{ ok: true }> {
    return { ok: true };
  }

  async evidence(): Promise<readonly InstanceEvidence[]> {
    return [];
  }

  async environments(signal?: AbortSignal): Promise<readonly EnvironmentRef[]> {
    return await this.ask({ do: 'list' }, signal);
  }

  async ping(signal?: AbortSignal): Promise<void> {
    await this.ask({ do: 'list' }, signal);
  }

  private ask<Answer>(call: Call, signal?: AbortSignal): Promise<Answer> {
    const limit = AbortSignal.timeout(answerWithinMs);
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(signal?.aborted ? signal.reason : new TargetUnavailable('target', error.message));
      const options = { agent, method: 'POST', signal: signal ? AbortSignal.any([signal, limit]) : limit };
      const asking = request(this.#url, options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', fail);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          if (answer.statusCode === 200) resolve(JSON.parse(text) as Answer);
          else reject(new Error(`the stand-in target answered ${answer.statusCode}: ${text}`));
        });
      });
      asking.on('error', fail);
      asking.end(JSON.stringify(call));
    });
  }
}
