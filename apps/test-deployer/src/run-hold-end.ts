import { Injectable } from '@nestjs/common';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { Holding } from './holding.js';

interface Input {
  readonly project: string;
  readonly environment: string;
  /** The command that asked for the hold: a later one has an end of its own. */
  readonly command: string;
}

/** The end of a hold, at the time its holder said. */
@Injectable()
export class RunHoldEnd implements Work<Input> {
  readonly kind = 'hold-end';
  readonly callTimeoutMs = 1000;

  constructor(private readonly holding: Holding) {}

  async run(claim: Claim<Input>): Promise<Outcome> {
    const { project, environment, command } = claim.operation.input;
    await claim.complete((unit) => this.holding.runOut(unit, project, environment, command));
    return { done: true };
  }
}
