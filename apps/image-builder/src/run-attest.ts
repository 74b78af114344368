import { Injectable } from '@nestjs/common';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { Attestations, Builds } from './ports.js';
import { workKinds } from './settling.js';

/** Keeps a built image's provenance beside it in the registry. Nobody waits for it: image.built carries the same envelope. Twice, it is one. */
@Injectable()
export class RunAttest implements Work<{ readonly release: string }> {
  readonly kind = workKinds.attest;
  readonly concurrency = 1;
  readonly callTimeoutMs = 20_000;

  constructor(
    private readonly builds: Builds,
    private readonly attestations: Attestations,
  ) {}

  async run(claim: Claim<{ readonly release: string }>): Promise<Outcome> {
    const kept = await claim.transact((unit) => this.builds.find(unit.tx, claim.operation.input.release));
    if (!kept?.build.image || !kept.provenance) return { done: true };
    await this.attestations.put(kept.build.image, kept.provenance, claim.signal);
    return { done: true };
  }
}
