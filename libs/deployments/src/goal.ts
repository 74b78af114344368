import type { Deployment } from '@slipway/orchestrators';

/** What the core has to know of a deployment. */
export interface Goal {
  readonly release: string;
  readonly digest: string;
  readonly instances: number;
  readonly stableMs: number;
  readonly drainMs: number;
  readonly graceMs: number;
  /** How often to look while there is nothing but waiting, once an instance has been healthy. */
  readonly everyMs: number;
}

/** What the core has to know of a deployment, from the deployment itself. */
export function goalOf(deployment: Deployment): Goal {
  const { app } = deployment;
  return {
    release: deployment.release,
    digest: deployment.digest,
    instances: deployment.instances,
    stableMs: app.stableMs,
    drainMs: app.drainMs,
    graceMs: app.health?.graceMs ?? 30_000,
    everyMs: app.health?.everyMs ?? 2000,
  };
}
