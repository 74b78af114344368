import { CommandAccepted, type CommandAction, type CommandIssued, CommandRefused, type DataOf, type Service } from '@slipway/contracts';
import type { DeadLetters, Handler, Messaging, Received, Resolved, UnitOfWork } from '@slipway/messaging';
import { type Claim, type Outcome, owe, type Work } from '@slipway/operations';

type Command = Received<typeof CommandIssued>;
type AboutDeadLetter = Extract<CommandAction, { kind: 'dead-letter.replay' | 'dead-letter.discard' }>;

/** What is kept of the command until it is carried out. */
interface Input {
  readonly subject: string;
  readonly issued: DataOf<typeof CommandIssued>;
}

const kind = 'dead-letter';

/**
 * A handler of `command.issued` in a service that carries out by itself what is asked about its dead letters, and shows the rest to the service's
 * own handler; where that one keeps a `record`, all. Replaying runs a transaction of its own, so it is owed here and done by {@link RunDeadLetter}.
 */
export function mindingDeadLetters(service: Service, own: Handler, record: boolean): Handler<typeof CommandIssued> {
  return {
    async handle(event: Command, unit: UnitOfWork): Promise<void> {
      const { data, subject, id, correlationId, traceparent } = event;
      const ours = data.service === service && aboutDeadLetter(data.action);
      if (!ours || record) await own.handle(event, unit);
      const input: Input = { subject, issued: data };
      if (ours) await owe(unit.tx, { kind, key: data.command, input, cause: { causationId: id, correlationId, traceparent } });
    },
  };
}

/** Replays or discards a dead letter of this service as a person commanded, and answers the command. It is resolved once, by its own row. */
export class RunDeadLetter implements Work<Input> {
  readonly kind = kind;
  readonly concurrency = 1;
  readonly leaseMs = 60_000;
  /** As long as a handler may take. */
  readonly callTimeoutMs = 30_000;

  constructor(private readonly messaging: Pick<Messaging, 'deadLetters'>) {}

  async run(claim: Claim<Input>): Promise<Outcome> {
    const { subject, issued } = claim.operation.input;
    const { command, action } = issued;
    if (!aboutDeadLetter(action)) throw new Error(`${action.kind} is not about a dead letter`);
    const done = await this.carryOut(action, issued);
    await claim.complete(async (unit) => {
      if (done.ok) {
        const message = action.kind === 'dead-letter.replay' ? 'it was handled again' : 'it is given up';
        unit.publish(CommandAccepted, { subject, data: { command, message } });
      } else {
        const reason = { code: 'dead-letter-stays', message: done.reason.slice(0, 2000) };
        unit.publish(CommandRefused, { subject, data: { command, reason } });
      }
    });
    return { done: true };
  }

  private async carryOut(action: AboutDeadLetter, { command, person, reason }: Input['issued']): Promise<Resolved> {
    const deadLetters: DeadLetters = this.messaging.deadLetters;
    const by = `${person.name} (${person.id}) by command ${command}`;
    const letters = await deadLetters.at(action.id);
    // A crash may have come between resolving and answering.
    if (letters.some((letter) => letter.resolvedBy?.startsWith(by))) return { ok: true };
    const open = letters.find((letter) => letter.resolvedAt === null);
    if (open) return action.kind === 'dead-letter.replay' ? deadLetters.replay(open.id, by) : deadLetters.discard(open.id, by, reason);
    const [past] = letters;
    return { ok: false, reason: past ? `it was ${past.resolution} before` : `there is no dead letter ${action.id}` };
  }
}

function aboutDeadLetter(action: CommandAction): action is AboutDeadLetter {
  return action.kind === 'dead-letter.replay' || action.kind === 'dead-letter.discard';
}
