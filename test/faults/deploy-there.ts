import { rollOut } from '@slipway/deployments';
import { DockerEngine } from '@slipway/docker-engine';
import { type Deployment, DockerOrchestrator, type Observed } from '@slipway/orchestrators';

/** What this program is asked to do, as JSON in its first argument. */
export interface Asked {
  readonly socket: string;
  readonly dataDir: string;
  readonly deployment: Deployment;
}

/** What it writes on standard output: what it found, what became of the rollout, and what it did for it. */
export interface Told {
  readonly found: Observed;
  readonly outcome: 'succeeded' | 'failed' | 'unfinished';
  readonly steps: readonly string[];
  readonly after: Observed;
}

/** Rolls one deployment out on a Docker host and ends: all of Slipway that this host ever sees. */
async function main(): Promise<void> {
  const { socket, dataDir, deployment } = JSON.parse(process.argv[2] ?? '') as Asked;
  const orchestrator = new DockerOrchestrator({ engine: DockerEngine.connect(`unix://${socket}`), dataDir });
  const found = await orchestrator.observe(deployment.environment);
  const steps: string[] = [];
  const run = await rollOut({
    orchestrator,
    claim: { signal: AbortSignal.timeout(60_000), act: (ms, call) => call({ signal: AbortSignal.timeout(ms), epoch: 1 }) },
    goal: deployment,
    policy: { deadlineMs: 30_000, onFailure: 'hold' },
    onProgress: ({ step, detail }) => steps.push(`${step} ${detail}`),
  });
  const after = await orchestrator.observe(deployment.environment);
  const told: Told = { found, outcome: run.ended ? run.verdict.outcome : 'unfinished', steps, after };
  process.stdout.write(JSON.stringify(told));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
