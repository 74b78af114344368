import { Injectable } from '@nestjs/common';
import { inBytes } from '@slipway/contracts';
import { awaiting, type Verification, type VerificationResult, verify } from '@slipway/deployments';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { type Orchestrator, TargetUnavailable } from '@slipway/orchestrators';
import type { Place, TestDeployment } from './domain/test-environment.js';
import { Ending } from './ending.js';
import { Deployments, Places } from './ports.js';
import { VerifyLogs } from './verify-log.js';

/** Until how often a no is asked again while the environment itself is unwell: its instances may be coming back from a restart of the target. */
const mostDoubts = 5;

/**
 * Asks the checks of a test environment whether the release that runs there is good. A part that is away is asked again, and is never a no. What a check runs
 * in is thrown away, has one name and is begun anew by whoever takes over, so that nothing is armed for it.
 */
@Injectable()
export class RunVerification implements Work<{ deployment: string }> {
  readonly kind = 'verification';
  readonly callTimeoutMs = 10_000;
  readonly concurrency = 16;

  constructor(
    private readonly deployments: Deployments,
    private readonly places: Places,
    private readonly ending: Ending,
    private readonly logs: VerifyLogs,
  ) {}

  async run(claim: Claim<{ deployment: string }>): Promise<Outcome> {
    const { deployment, place } = await claim.read(async (tx) => {
      const found = await this.deployments.peek(tx, claim.operation.input.deployment);
      return { deployment: found, place: found && (await this.deployments.known(tx, found.project, found.environment))?.place };
    });
    if (deployment?.state !== 'verifying' || !place) return { done: true };
    try {
      return await this.judge(claim, deployment, place);
    } catch (error) {
      if (error instanceof TargetUnavailable) return awaiting(error, deployment.environment, 2000);
      throw error;
    }
  }

  private async judge(claim: Claim<unknown>, deployment: TestDeployment, place: Place): Promise<Outcome> {
    const orchestrator = this.places.orchestratorOf(place.file);
    await orchestrator.ping(claim.signal);
    claim.answers('target');
    const result = await this.ask(claim, verificationOf(deployment, place), deployment, orchestrator);
    if (result.outcome === 'errored') {
      const reason = result.evidence.find(({ outcome }) => outcome === 'errored')?.message ?? 'no answer';
      return { again: { afterMs: 2000, reason, away: { part: result.away ?? 'target', environment: deployment.environment } } };
    }
    const doubts = doubtsOf(claim.operation.progress);
    if (result.outcome === 'failed' && !(await isWell(orchestrator, deployment, place, claim.signal)) && doubts < mostDoubts) {
      await claim.note({ doubts: doubts + 1 });
      return { again: { afterMs: 2000 * (doubts + 1), reason: 'the environment is not whole: its instances may be coming back' } };
    }
    await this.ending.verified(claim, deployment, result);
    return { done: true };
  }

  private async ask(
    claim: Claim<unknown>,
    what: Verification,
    deployment: TestDeployment,
    orchestrator: Orchestrator,
  ): Promise<VerificationResult> {
    const log = this.logs.open(deployment, claim.operation.epoch);
    try {
      return await verify(what, {
        orchestrator,
        signal: claim.signal,
        onLog: (check, text) => log.output(check, text),
        onCheck: (result) => log.result(result),
        onReport: (_, file) => log.report(file),
      });
    } finally {
      log.end();
    }
  }
}

function verificationOf(
  { project, environment, release, attempt, image, resolved, checks, address }: TestDeployment,
  place: Place,
): Verification {
  const app = resolved?.app;
  return {
    steps: checks,
    environment: { project, environment, namespace: place.namespace },
    release: release.id,
    attempt,
    image: `${image.repository}@${image.digest}`,
    address: address ?? '',
    ...(app && { env: app.env, limits: { cpus: app.cpus, memoryBytes: inBytes(app.memory) } }),
  };
}

/**
 * Whether what was deployed is what serves, whole: then a no is a no. Throws `TargetUnavailable` where what is unwell is the target's own, which the guard mends: however long that
 * takes, no answer is the release's.
 */
async function isWell(
  orchestrator: Orchestrator,
  { project, environment, image, resolved }: TestDeployment,
  { namespace }: Place,
  signal: AbortSignal,
): Promise<boolean> {
  const observed = await orchestrator.observe({ project, environment, namespace }, signal);
  const broken = observed.drift.find(({ kind }) => kind === 'proxy');
  if (broken !== undefined) throw new TargetUnavailable('target', broken.detail);
  return observed.digest === image.digest && observed.ready >= (resolved?.app.instances ?? 1);
}

function doubtsOf(progress: unknown): number {
  return typeof progress === 'object' && progress !== null && 'doubts' in progress ? Number(progress.doubts) : 0;
}
