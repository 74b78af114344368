import { Injectable } from '@nestjs/common';
import { CommandAccepted, type CommandIssued, CommandRefused, type Reason } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { pollNow } from './polling.js';
import { Sources } from './ports.js';

/** What a person asks of source-watcher: to look at a source now. Commands for others are none of its business. */
@Injectable()
export class OnCommandIssued implements Handler<typeof CommandIssued> {
  constructor(private readonly sources: Sources) {}

  async handle(event: Received<typeof CommandIssued>, unit: UnitOfWork): Promise<void> {
    const { command, service } = event.data;
    if (service !== 'source-watcher') return;
    const refusal = await this.refresh(event, unit);
    if (refusal) unit.publish(CommandRefused, { subject: event.subject, data: { command, reason: refusal } });
    else unit.publish(CommandAccepted, { subject: event.subject, data: { command, message: 'the source is looked at now' } });
  }

  private async refresh({ data: { action, person } }: Received<typeof CommandIssued>, unit: UnitOfWork): Promise<Reason | undefined> {
    if (action.kind !== 'source.refresh') return { code: 'unknown-command', message: `source-watcher does not know ${action.kind}` };
    const source = await this.sources.lock(unit.tx, action.project);
    if (!source?.file) return { code: 'project-unknown', message: `source-watcher knows no project ${action.project}` };
    await this.sources.ask(unit.tx, action.project, person);
    await pollNow(unit.tx, source);
    return undefined;
  }
}
