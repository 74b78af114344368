import type { LedgerFold } from '@slipway/api';
import type { z } from 'zod';
import { type Cli, noun, reasonOption, verb, waitOption } from '../command-line.js';
import { type ExitCode, exitCodes, Pending, Refused } from '../exit.js';
import { oneLine } from '../output.js';
import type { Session } from '../session.js';
import { ago } from '../showing.js';

type Fold = z.infer<typeof LedgerFold>;

interface Asked {
  reason: string;
  wait: number;
}

const everyMs = 500;
/** A big journal takes its time; what is not waited for goes on all the same. */
const longest = [3600, '1h'] as const;

/** `slipway ledger …`: what releases, environments and requests are shown from, folded from the journal of all events. */
export function ledgerCommands(cli: Cli): void {
  const ledger = noun(cli, 'ledger', 'What is shown of releases, folded from the journal');
  verb(ledger, 'show', 'How far the last fold or comparison is', ['ledger show']).action(cli.does(show));
  verb(ledger, 'check', 'Compare the ledger with the journal, and change nothing', ['ledger check --reason "after the crash"'])
    .addOption(reasonOption())
    .addOption(waitOption().default(...longest))
    .action(cli.does((session: Session, asked: Asked) => carryOut(session, 'check', asked)));
  verb(ledger, 'rebuild', 'Fold the ledger anew from the journal; it is read as it was until that is done', [
    'ledger rebuild --reason "shop/42 shows what did not happen"',
  ])
    .addOption(reasonOption())
    .addOption(waitOption().default(...longest))
    .action(cli.does((session: Session, asked: Asked) => carryOut(session, 'rebuild', asked)));
}

async function show(session: Session): Promise<void> {
  const { fold } = await (await session.api()).getLedger({});
  session.out.either({ fold }, () => (fold ? tell(session, fold) : session.out.line('it was never asked for')));
}

async function carryOut(session: Session, task: Fold['task'], { reason, wait }: Asked): Promise<ExitCode> {
  const api = await session.api();
  const { command } = await (task === 'check' ? api.checkLedger({ body: { reason } }) : api.rebuildLedger({ body: { reason } }));
  const until = performance.now() + wait * 1000;
  for (let before = ''; performance.now() < until; ) {
    const { fold } = await api.getLedger({ signal: session.around.interrupted });
    // Another one that waits for its turn may be newer than ours.
    if (fold?.command !== command && (await api.getCommand({ params: { id: command } })).state !== 'pending') break;
    if (fold?.command === command) {
      if (fold.state === 'failed') throw new Refused(fold.error ?? 'it was given up');
      if (fold.state === 'done') return ended(session, fold);
      const now = progressOf(fold);
      if (now !== before) session.out.note(now);
      before = now;
    }
    await session.pause(everyMs);
  }
  const { state, message } = await api.getCommand({ params: { id: command } });
  if (state === 'pending') throw new Pending(`not over within ${wait} s; it goes on. See: slipway ledger show`);
  if (state === 'refused') throw new Refused(message ?? 'it was given up');
  session.out.either({ command, state, message }, () => session.out.line(message ?? 'done'));
  return exitCodes.ok;
}

function ended(session: Session, fold: Fold): ExitCode {
  session.out.either({ fold }, () => tell(session, fold));
  return fold.differing === 0 ? exitCodes.ok : exitCodes.failed;
}

function progressOf({ state, step, events, of, releases, error }: Fold): string {
  if (error !== null) return `trying again: ${oneLine(error, 200)}`;
  if (state === 'waiting' || step === null) return 'it waits for its turn';
  const read = `${events} of about ${Math.max(of, events)} events read`;
  return step === 'journal' ? read : `${read}, ${releases} releases folded`;
}

function tell(session: Session, fold: Fold): void {
  const { out } = session;
  out.fields([
    ['task', fold.task],
    ['asked', ago(fold.askedAt, session.around.now())],
    ['state', fold.state],
    ['so far', fold.state === 'done' ? `${fold.events} events, ${fold.releases} releases` : progressOf(fold)],
    ['error', fold.error === null ? undefined : oneLine(fold.error, 400)],
    ['differs', fold.task === 'check' && fold.state === 'done' ? `${fold.differing} rows` : undefined],
  ]);
  if (fold.differences.length === 0) return;
  out.table(
    ['BOOK', 'ROW', 'IS', 'RELEASE'],
    fold.differences.map(({ book, key, what, release }) => [book, oneLine(key, 80), what, release ?? '-']),
    '',
  );
  out.note('To mend it: slipway ledger rebuild --reason "…"');
}
