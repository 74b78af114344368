import { Command, CommanderError } from 'commander';
import type { Act, Cli } from './command-line.js';
import { applyCommand } from './commands/apply.js';
import { approvalCommands } from './commands/approvals.js';
import { auditCommands } from './commands/audit.js';
import { commandCommands } from './commands/command.js';
import { completionCommand } from './commands/completion.js';
import { deadLetterCommands } from './commands/dead-letters.js';
import { doctorCommand } from './commands/doctor.js';
import { environmentCommands } from './commands/environments.js';
import { ledgerCommands } from './commands/ledger.js';
import { personCommands } from './commands/people.js';
import { personKeyCommands } from './commands/person-keys.js';
import { projectCommands } from './commands/projects.js';
import { releaseCommands } from './commands/releases.js';
import { serviceKeyCommands } from './commands/service-keys.js';
import { signInCommands } from './commands/sign-in.js';
import { targetCommands } from './commands/targets.js';
import { tokenCommands } from './commands/tokens.js';
import { versionCommand } from './commands/version.js';
import { type ExitCode, exitCodes, type Failure, failureOf, Interrupted } from './exit.js';
import { concise, examples, exits } from './help.js';
import { Session } from './session.js';
import type { GlobalOptions } from './settings.js';
import type { Surroundings } from './surroundings.js';

const nouns = [
  signInCommands,
  applyCommand,
  projectCommands,
  targetCommands,
  releaseCommands,
  approvalCommands,
  environmentCommands,
  personCommands,
  personKeyCommands,
  tokenCommands,
  auditCommands,
  deadLetterCommands,
  ledgerCommands,
  commandCommands,
  doctorCommand,
  serviceKeyCommands,
  completionCommand,
  versionCommand,
] as const;

/** Runs one command line (without `node` and the program's own name) and says how it ended. Never throws. */
export async function run(argv: readonly string[], around: Surroundings): Promise<ExitCode> {
  if (argv.length === 0) {
    around.stdout.write(concise);
    return exitCodes.ok;
  }
  let exit: ExitCode = exitCodes.ok;
  const json = argv.includes('--json');
  const program = programOf(around, json, (code) => {
    exit = code;
  });
  try {
    await Promise.race([program.parseAsync([...argv], { from: 'user' }), interruption(around.interrupted)]);
    return exit;
  } catch (error) {
    return ended(around.interrupted.aborted ? new Interrupted('interrupted') : error, around, json);
  }
}

/** The whole command line as commander knows it: for `run`, for completion, and for the tests that walk it. */
export function programOf(around: Surroundings, json: boolean, ends: (code: ExitCode) => void): Command {
  const program = new Command('slipway')
    .description('Takes commits to production with people’s sign-off.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => around.stdout.write(text),
      writeErr: (text) => around.stderr.write(text),
      outputError: (text, write) => (json ? undefined : write(text)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addHelpText('before', examples)
    .addHelpText('after', exits)
    .helpCommand(false)
    .option('--json', 'answer in JSON')
    .option('--url <address>', 'where the gateway is (SLIPWAY_URL)')
    .option('--token-file <file>', 'file with the token, readable by you only (SLIPWAY_TOKEN_FILE)')
    .option('-q, --quiet', 'say nothing but results')
    .option('--no-color', 'no colours (NO_COLOR)')
    .option('--no-input', 'never ask');
  if (!json) program.showHelpAfterError('Add --help to see how it is used.');
  const cli: Cli = {
    program,
    does:
      (act) =>
      (...given) =>
        perform(around, act, given, ends),
  };
  for (const add of nouns) add(cli);
  return program;
}

async function perform<Options extends object, Args extends unknown[]>(
  around: Surroundings,
  act: Act<Options, Args>,
  given: unknown[],
  ends: (code: ExitCode) => void,
): Promise<void> {
  const command = given.at(-1) as Command;
  const session = new Session(around, command.optsWithGlobals<GlobalOptions>());
  const exit = await act(session, command.opts<Options>(), ...(given.slice(0, -2) as Args));
  if (exit !== undefined) ends(exit);
}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Interrupted('interrupted')), { once: true }));
}

function ended(error: unknown, around: Surroundings, json: boolean): ExitCode {
  if (error instanceof CommanderError && ['commander.helpDisplayed', 'commander.version'].includes(error.code)) return exitCodes.ok;
  if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.usage;
  const failure = failureOf(error);
  if (json) around.stderr.write(`${JSON.stringify({ error: told(failure) })}\n`);
  else if (!(error instanceof CommanderError)) around.stderr.write(`error: ${failure.message}\n`);
  return failure.exit;
}

function told({ code, message, problem }: Failure): object {
  return problem === undefined ? { code, message } : { code, message, problem };
}
