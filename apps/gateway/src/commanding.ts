import { Injectable } from '@nestjs/common';
import { type CommandAction, CommandIssued, environmentKey, type Person, permissionFor, type Reason, type Role } from '@slipway/contracts';
import { permissionsOf, rolesIn } from '@slipway/identity';
import { Messaging } from '@slipway/messaging';
import { v7 } from 'uuid';
import { Answers } from './answers.js';
import { ApiProblem } from './api-problem.js';
import { ownerOf } from './domain/command-owner.js';
import { Ledger, LedgerBooks, Retention } from './ports.js';

/** How long an HTTP call is held for an answer (design part 3). */
export const holdMs = 5_000;

/** What a person asks, and where. */
export interface Asking {
  readonly action: CommandAction;
  readonly person: Person;
  /** The project it is about; `*` for the installation. */
  readonly project: string;
  readonly reason: string;
}

/** Issues commands to the one service that owns each, and waits for what it says. */
@Injectable()
export class Commanding {
  constructor(
    private readonly messaging: Messaging,
    private readonly ledger: Ledger,
    private readonly books: LedgerBooks,
    private readonly answers: Answers,
    private readonly retention: Retention,
  ) {}

  /** Says the command and holds for its answer. Throws a 409 problem with the reason when it is refused. */
  async command(asking: Asking): Promise<{ command: string; state: 'accepted' | 'pending'; message: string }> {
    const { action, person, project, reason } = asking;
    const release = 'release' in action ? await this.ledger.release(action.release) : undefined;
    const owner = ownerOf(action, release?.state);
    if ('reason' in owner) throw ApiProblem.refused(owner.reason);
    const command = v7();
    const answered = this.answers.wait(command, holdMs);
    await this.messaging.transact(async (unit) => {
      const retired = await this.retention.refusal(unit.tx, action);
      if (retired) throw ApiProblem.refused(retired);
      const { id, name } = person;
      const issued = { command, service: owner.service, action, person: { id, name }, role: roleFor(person, action.kind, project), reason };
      await this.books.keepCommand(unit.tx, issued, unit.now.toISOString());
      const about = release ? { correlationId: release.state.release.id } : {};
      unit.publish(CommandIssued, { subject: subjectOf(action), ...about, data: issued });
    });
    const answer = await answered;
    if (!answer || answer.source !== owner.service) return { command, state: 'pending', message: `${owner.service} has not answered yet` };
    if (answer.name === 'command.refused') throw ApiProblem.refused((answer.data as { reason: Reason }).reason);
    return { command, state: 'accepted', message: (answer.data as { message: string }).message };
  }
}

/** The role somebody acts in: the first of theirs that allows it. */
function roleFor(person: Person, kind: CommandAction['kind'], project: string): Role {
  const wanted = permissionFor[kind];
  const roles = rolesIn(person, project);
  return roles.find((role) => permissionsOf[role].includes(wanted)) ?? roles[0] ?? 'developer';
}

function subjectOf(action: CommandAction): string {
  if ('environment' in action && 'project' in action) return environmentKey(action.project, action.environment);
  if ('release' in action) return action.release;
  return 'project' in action ? action.project : 'installation';
}
