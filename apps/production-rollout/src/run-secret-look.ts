import { Injectable } from '@nestjs/common';
import { SecretVersioned } from '@slipway/contracts';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { Applied } from './ports.js';
import { SecretLook } from './secret-look.js';

/** Looks at the secrets a newly applied project names, so that approval can ask for their versions. */
@Injectable()
export class RunSecretLook implements Work<{ project: string }> {
  readonly kind = 'secret-look';
  readonly callTimeoutMs = 1000;

  constructor(
    private readonly applied: Applied,
    private readonly look: SecretLook,
  ) {}

  async run(claim: Claim<{ project: string }>): Promise<Outcome> {
    const { project } = claim.operation.input;
    const secrets = await this.look.at(project);
    await claim.complete(async (unit) => {
      if (await this.applied.keepSecretVersions(unit.tx, project, secrets))
        unit.publish(SecretVersioned, { subject: project, data: { project, secrets } });
    });
    return { done: true };
  }
}
