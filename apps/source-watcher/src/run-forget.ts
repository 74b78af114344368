import { Injectable } from '@nestjs/common';
import { AppliedProjectFile } from '@slipway/contracts';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { Repositories } from './ports.js';

/** The kind of the operation that removes what is kept of a source nobody watches any more. */
export const forgetKind = 'forget';

export interface ForgetInput {
  readonly project: string;
  /** The file that named the source. */
  readonly file: unknown;
}

/** Gives the disk back that the copy of a removed or replaced source takes. Whoever still needs the copy makes it anew. */
@Injectable()
export class RunForget implements Work<ForgetInput> {
  readonly kind = forgetKind;
  readonly concurrency = 1;
  readonly callTimeoutMs = 600_000;

  constructor(private readonly repositories: Repositories) {}

  async run(claim: Claim<ForgetInput>): Promise<Outcome> {
    const { project, file } = claim.operation.input;
    const parsed = AppliedProjectFile.safeParse(file);
    if (!parsed.success) return { done: true };
    const { control, source } = this.repositories.of(project, parsed.data);
    await control.forget(source);
    return { done: true };
  }
}
