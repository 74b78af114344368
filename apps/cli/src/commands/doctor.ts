import { type Cli, verb } from '../command-line.js';
import type { Finding } from '../doctor/finding.js';
import { checkGateway } from '../doctor/gateway-checks.js';
import { checkKeys, dataFolder } from '../doctor/key-checks.js';
import { checkServices } from '../doctor/service-checks.js';
import { checkSettings } from '../doctor/settings-checks.js';
import { type ExitCode, exitCodes } from '../exit.js';
import type { Colour } from '../output.js';
import type { Session } from '../session.js';

/** `slipway doctor`. */
export function doctorCommand(cli: Cli): void {
  verb(cli.program, 'doctor', 'Find what is wrong with a set-up, and how to mend it', [
    'doctor',
    'doctor --data-dir /var/lib/slipway --json',
  ])
    .option('--data-dir <folder>', 'where the installation on this machine keeps its keys (SLIPWAY_DATA_DIR)')
    .action(cli.does(examine));
}

async function examine(session: Session, { dataDir = dataFolder(session) }: { dataDir?: string }): Promise<ExitCode> {
  const groups = await Promise.all([
    checkSettings(session),
    checkGateway(session),
    checkServices(session, dataDir),
    checkKeys(session, dataDir),
  ]);
  const findings = groups.flat();
  const broken = findings.filter(({ state }) => state === 'failed').length;
  const doubtful = findings.filter(({ state }) => state === 'warning').length;
  session.out.either({ ok: broken === 0, findings }, () => {
    for (const finding of findings) tell(session, finding);
    session.out.note(broken + doubtful === 0 ? 'All is well.' : `${broken} wrong, ${doubtful} to look at.`);
  });
  return broken === 0 ? exitCodes.ok : exitCodes.failed;
}

const marks: Record<Finding['state'], readonly [string, Colour]> = {
  ok: ['ok', 'green'],
  warning: ['warning', 'yellow'],
  failed: ['WRONG', 'red'],
  skipped: ['skipped', 'dim'],
};

function tell({ out }: Session, { check, state, message, mend }: Finding): void {
  const [word, colour] = marks[state];
  out.line(`${out.paint(colour, word.padEnd(8))} ${check}: ${message}`);
  if (mend !== null) out.line(`${' '.repeat(9)}→ ${mend}`);
}
