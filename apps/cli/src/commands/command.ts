import { type Cli, noun, verb } from '../command-line.js';
import { exitCodes } from '../exit.js';
import { oneLine, tame } from '../output.js';
import type { Session } from '../session.js';

/** `slipway command show`: what became of something asked for. */
export function commandCommands(cli: Cli): void {
  const command = noun(cli, 'command', 'What became of what was asked for');
  verb(command, 'show <id>', 'Show a command and its answer', ['command show 019ab…']).action(cli.does(show));
}

const exits = { accepted: exitCodes.ok, refused: exitCodes.failed, pending: exitCodes.pending } as const;

async function show(session: Session, _: object, id: string) {
  const command = await (await session.api()).getCommand({ params: { id } });
  const { kind, ...about } = command.action;
  session.out.either(command, () =>
    session.out.fields([
      ['command', kind],
      ['about', Object.values(about).filter(Boolean).join(' ')],
      ['asked by', `${oneLine(command.person.name)}, ${command.issuedAt}`],
      ['reason', tame(command.reason)],
      ['state', command.state],
      ['answer', command.message === null ? undefined : tame(command.message)],
    ]),
  );
  return exits[command.state];
}
