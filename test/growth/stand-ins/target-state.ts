import type { Applied, EnvironmentRef, Observed, OneShotResult } from '@slipway/orchestrators';

/** What the driver asks of the stand-in target. */
export type Call =
  | {
      readonly do: 'apply';
      readonly environment: EnvironmentRef;
      readonly release: string;
      readonly attempt: number;
      readonly digest: string;
      readonly instances: number;
      readonly epoch: number;
    }
  | { readonly do: 'scale'; readonly environment: EnvironmentRef; readonly instances: number; readonly epoch: number }
  | { readonly do: 'remove'; readonly environment: EnvironmentRef; readonly epoch: number }
  | { readonly do: 'run'; readonly environment: EnvironmentRef; readonly release: string }
  | { readonly do: 'observe'; readonly environment: EnvironmentRef }
  | { readonly do: 'list' };

/** A line of the target's own history: something there changed. */
export interface Change {
  readonly at: string;
  readonly do: 'apply' | 'scale' | 'remove';
  readonly project: string;
  readonly environment: string;
  readonly release: string;
  readonly attempt: number;
  readonly digest: string;
  readonly instances: number;
  readonly epoch: number;
}

interface Standing {
  readonly environment: EnvironmentRef;
  readonly release: string;
  readonly attempt: number;
  readonly digest: string;
  readonly instances: number;
  readonly version: number;
}

/** What runs on the stand-in target. Like a real one it changes nothing that is as it should be, and writes down what it changed. */
export class TargetState {
  private readonly standing = new Map<string, Standing>();
  private changes = 0;

  readonly #record: (change: Change) => void;

  constructor(record: (change: Change) => void) {
    this.#record = record;
  }

  /** The answer, and whether something had to change for it. */
  take(call: Call): { readonly answer: unknown; readonly changed: boolean } {
    switch (call.do) {
      case 'apply':
        return this.apply(call);
      case 'scale': {
        const now = this.standing.get(keyOf(call.environment));
        if (!now) return { answer: { ...this.observed(call.environment), progress: 'converged' }, changed: false };
        return this.apply({ ...now, do: 'apply', instances: call.instances, epoch: call.epoch });
      }
      case 'remove': {
        const now = this.standing.get(keyOf(call.environment));
        this.standing.delete(keyOf(call.environment));
        if (now) this.write('remove', { ...now, instances: 0 }, call.epoch);
        return { answer: true, changed: now !== undefined };
      }
      case 'run':
        return {
          answer: { exitCode: 0, timedOut: false, outOfMemory: false, tookMs: 10, log: ['stand-in'], files: {} } satisfies OneShotResult,
          changed: true,
        };
      case 'observe':
        return { answer: this.observed(call.environment), changed: false };
      case 'list':
        return { answer: [...this.standing.values()].map(({ environment }) => environment), changed: false };
    }
  }

  private apply({ environment, release, attempt, digest, instances, epoch }: Extract<Call, { do: 'apply' }>) {
    const key = keyOf(environment);
    const before = this.standing.get(key);
    const changed = before?.digest !== digest || before.instances !== instances || before.release !== release;
    if (changed) {
      const now = { environment, release, attempt, digest, instances, version: ++this.changes };
      this.standing.set(key, now);
      this.write('apply', now, epoch);
    }
    return { answer: { ...this.observed(environment), progress: 'converged' } satisfies Applied, changed };
  }

  private write(what: Change['do'], { environment, release, attempt, digest, instances }: Standing, epoch: number): void {
    const where = { project: environment.project, environment: environment.environment };
    this.#record({ at: new Date().toISOString(), do: what, ...where, release, attempt, digest, instances, epoch });
  }

  private observed(environment: EnvironmentRef): Observed {
    const now = this.standing.get(keyOf(environment));
    if (!now) return { environment, exists: false, instances: [], wanted: 0, ready: 0, version: '0', drift: [] };
    const { release, attempt, digest, instances: wanted, version } = now;
    const healthy = { state: 'healthy', healthy: true, healthyForMs: 3_600_000, runningForMs: 3_600_000, failures: 0 } as const;
    const instances = Array.from({ length: wanted }, (_, at) => ({
      ...{ name: `${environment.project}-${environment.environment}-${version}-${at}`, id: `${version}-${at}`, ...healthy },
      ...{ digest, release, attempt, configHash: 'stand-in', inService: true, restarts: 0 },
    }));
    const address = 'http://127.0.0.1:1';
    return { environment, exists: true, digest, release, instances, wanted, ready: wanted, address, version: String(version), drift: [] };
  }
}

function keyOf({ project, environment, namespace }: EnvironmentRef): string {
  return JSON.stringify([namespace ?? 'default', project, environment]);
}
