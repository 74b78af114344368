import { Injectable } from '@nestjs/common';
import { CommandAccepted, type CommandIssued, CommandRefused, type Reason } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { decide, type Input } from './domain/build.js';
import { Builds } from './ports.js';
import { Settling } from './settling.js';

/** What a person asks of image-builder: to try a build again, or to give it up. */
@Injectable()
export class OnCommandIssued implements Handler<typeof CommandIssued> {
  constructor(
    private readonly builds: Builds,
    private readonly settling: Settling,
  ) {}

  async handle(event: Received<typeof CommandIssued>, unit: UnitOfWork): Promise<void> {
    const { command, service, action } = event.data;
    if (service !== 'image-builder') return;
    const reason = await this.carryOut(event, unit);
    const about = { subject: event.subject, ...(event.correlationId === undefined ? {} : { correlationId: event.correlationId }) };
    if (reason) unit.publish(CommandRefused, { ...about, data: { command, reason } });
    else
      unit.publish(CommandAccepted, {
        ...about,
        data: { command, message: action.kind === 'release.retry' ? 'it is built anew' : 'the build is given up' },
      });
  }

  private async carryOut(event: Received<typeof CommandIssued>, unit: UnitOfWork): Promise<Reason | null> {
    const { action, person, reason } = event.data;
    if (action.kind !== 'release.retry' && action.kind !== 'release.cancel') {
      return { code: 'unknown-command', message: `image-builder does not know ${action.kind}` };
    }
    const found = await this.builds.find(unit.tx, action.release);
    if (!found) return { code: 'release-unknown', message: 'image-builder has not heard of this release' };
    const input: Input =
      action.kind === 'release.retry' ? { kind: 'retry' } : { kind: 'cancel', reason: `${person.name}: ${reason}`.slice(0, 4000) };
    const decision = decide(found.build, input);
    if (decision.outcome === 'refused') return decision.reason;
    await this.settling.settle(unit, found.build, decision, { cause: found.cause });
    return null;
  }
}
