import { Injectable } from '@nestjs/common';
import { type CommandIssued, CommandRefused } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';

/** Notifier has dead letters like every service, for which service-kit cares, and takes no command of its own. */
@Injectable()
export class OnCommandIssued implements Handler<typeof CommandIssued> {
  async handle({ subject, data }: Received<typeof CommandIssued>, unit: UnitOfWork): Promise<void> {
    if (data.service !== 'notifier') return;
    const reason = { code: 'unknown-command', message: `notifier does not know ${data.action.kind}` };
    unit.publish(CommandRefused, { subject, data: { command: data.command, reason } });
  }
}
