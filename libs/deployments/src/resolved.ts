import { inBytes, inSeconds, type ResolvedDeployment } from '@slipway/contracts';
import type { Deployment, SecretBinding } from '@slipway/orchestrators';

/** What is not part of a resolved deployment because it may change without a new sign-off, or must not be written down. */
export interface LateBound {
  readonly attempt: number;
  /** A count set by `scale`; the resolved one when absent. */
  readonly instances?: number;
  /** Reads a secret of that version, just before it is used. */
  readonly readSecret?: (name: string, version: string) => Promise<Uint8Array>;
}

/** The deployment as targets take it. Translates units and nothing else: what was signed is what runs. */
export function deploymentOf(resolved: ResolvedDeployment, late: LateBound): Deployment {
  const { app, target, image } = resolved;
  const ms = (duration: string) => Math.round(inSeconds(duration) * 1000);
  return {
    environment: { project: resolved.project, environment: resolved.environment, namespace: target.namespace },
    release: resolved.release.id,
    attempt: late.attempt,
    digest: image.digest,
    image: `${image.repository}@${image.digest}`,
    instances: late.instances ?? app.instances,
    app: {
      port: app.port,
      cpus: app.cpus,
      memoryBytes: inBytes(app.memory),
      env: app.env,
      drainMs: ms(app.drain),
      stableMs: ms(app.stable),
      health: { http: app.health.http, everyMs: ms(app.health.every), timeoutMs: ms(app.health.timeout), graceMs: ms(app.health.grace) },
      ...(target.port === null ? {} : { stablePort: target.port }),
    },
    secrets: app.secrets.map((secret) => bind(secret, late)),
    strategy: { maxSurge: resolved.strategy.rolling.surge, maxUnavailable: 0 },
  };
}

function bind({ name, version }: { name: string; version: string }, late: LateBound): SecretBinding {
  return {
    name,
    version,
    async read() {
      if (late.readSecret === undefined) throw new Error(`the deployment names secret ${name} and nothing here can read secrets`);
      return late.readSecret(name, version);
    },
  };
}
