import { Injectable } from '@nestjs/common';
import { CommandAccepted, type CommandIssued, CommandRefused, type Reason, ReleaseWithdrawn } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Asking } from './asking.js';
import { Knowledge, Requests } from './ports.js';
import { Recording } from './recording.js';
import { Settling } from './settling.js';

type Command = Received<typeof CommandIssued>;

/** What a person asks of approval: to withdraw a release, or to ask for its sign-off anew. Every command is part of the record. */
@Injectable()
export class OnCommandIssued implements Handler<typeof CommandIssued> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly asking: Asking,
    private readonly settling: Settling,
    private readonly recording: Recording,
  ) {}

  async handle(event: Command, unit: UnitOfWork): Promise<void> {
    const { action, service } = event.data;
    const release = 'release' in action ? await this.knowledge.release(unit.tx, action.release) : undefined;
    await this.recording.keep(unit, event, 'project' in action ? action.project : (release?.release.project ?? 'installation'));
    // What is asked about dead letters is carried out by service-kit, in every service alike.
    if (service !== 'approval' || action.kind === 'dead-letter.replay' || action.kind === 'dead-letter.discard') return;
    const reason = await this.carryOut(event, unit);
    const answer = { subject: event.subject, ...(event.correlationId === undefined ? {} : { correlationId: event.correlationId }) };
    if (reason) unit.publish(CommandRefused, { ...answer, data: { command: event.data.command, reason } });
    else
      unit.publish(CommandAccepted, {
        ...answer,
        data: { command: event.data.command, message: action.kind === 'release.withdraw' ? 'withdrawn' : 'asked anew' },
      });
  }

  private async carryOut(event: Command, unit: UnitOfWork): Promise<Reason | null> {
    const { action, person } = event.data;
    if (action.kind === 'release.withdraw') return this.withdraw(event, unit, action.release);
    if (action.kind !== 'approval.ask') return { code: 'unknown-command', message: `approval does not know ${action.kind}` };
    const known = await this.knowledge.release(unit.tx, action.release);
    if (!known) return { code: 'release-unknown', message: 'approval has not heard of this release' };
    await this.knowledge.alone(unit.tx, known.release.project);
    const file = (await this.knowledge.project(unit.tx, known.release.project))?.file;
    const through = file?.spec.environments.find((environment) => environment.name === action.environment)?.after.at(-1);
    if (through === undefined)
      return { code: 'environment-unknown', message: `there is no environment ${action.environment} that asks for sign-off` };
    return this.asking.ask(unit, action.release, action.environment, through, person);
  }

  private async withdraw({ data }: Command, unit: UnitOfWork, id: string): Promise<Reason | null> {
    const named = await this.knowledge.release(unit.tx, id);
    if (named) await this.knowledge.alone(unit.tx, named.release.project);
    const known = await this.knowledge.release(unit.tx, id);
    if (!known) return { code: 'release-unknown', message: 'approval has not heard of this release' };
    if (known.withdrawn) return { code: 'withdrawn', message: 'this release was withdrawn before' };
    await this.knowledge.withdraw(unit.tx, known, unit.now);
    for (const request of await this.requests.undecided(unit.tx, { release: id })) {
      await this.settling.settle(unit, request, { kind: 'voided', reason: { code: 'withdrawn', message: data.reason }, changed: [] });
    }
    unit.publish(ReleaseWithdrawn, {
      subject: id,
      correlationId: id,
      data: { release: known.release, by: data.person, reason: data.reason },
    });
    return null;
  }
}
