import { Injectable } from '@nestjs/common';
import { CommandAccepted, type CommandIssued, CommandRefused, type Reason } from '@slipway/contracts';
import type { Cause, Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Holding } from './holding.js';
import { Redeploying } from './redeploying.js';

/** What people ask of test environments and of the releases in them. */
@Injectable()
export class OnCommandIssued implements Handler<typeof CommandIssued> {
  constructor(
    private readonly holding: Holding,
    private readonly redeploying: Redeploying,
  ) {}

  async handle(event: Received<typeof CommandIssued>, unit: UnitOfWork): Promise<void> {
    const { command, service } = event.data;
    if (service !== 'test-deployer') return;
    const answer = await this.carryOut(event, unit);
    const about = { subject: event.subject, ...(event.correlationId === undefined ? {} : { correlationId: event.correlationId }) };
    if (typeof answer === 'string') unit.publish(CommandAccepted, { ...about, data: { command, message: answer } });
    else unit.publish(CommandRefused, { ...about, data: { command, reason: answer } });
  }

  private async carryOut({ id, data }: Received<typeof CommandIssued>, unit: UnitOfWork): Promise<Reason | string> {
    const { action, command, person, reason } = data;
    const asked = { by: person, command, reason };
    const cause: Cause = { causationId: id };
    switch (action.kind) {
      case 'environment.hold':
        return this.holding.hold(unit, action, asked);
      case 'environment.unhold':
        return this.holding.unhold(unit, action, asked);
      case 'environment.deploy':
        return this.redeploying.deploy(unit, action, asked, cause);
      case 'release.retry':
        return this.redeploying.retry(unit, action.release, asked, cause);
      case 'release.cancel':
        return this.redeploying.cancel(unit, action.release, asked);
      default:
        return { code: 'unknown-command', message: `test-deployer does not know ${action.kind}` };
    }
  }
}
