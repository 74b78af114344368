import { ApiError } from '@slipway/api';
import { Service } from '@slipway/contracts';
import type { Command } from 'commander';
import { type Cli, noun, reasonOption, verb, waitOption, yesOption } from '../command-line.js';
import { type ExitCode, exitCodes, Misused, Refused } from '../exit.js';
import { oneLine, tame } from '../output.js';
import type { Session } from '../session.js';
import { answered, settled } from '../settling.js';
import { ago, coloured } from '../showing.js';

interface Which {
  all?: boolean;
  event?: string;
  because?: string;
}

interface Deal extends Which {
  reason: string;
  yes?: boolean;
  wait: number;
}

/** `slipway dead-letters …`: records no handler could take. */
export function deadLetterCommands(cli: Cli): void {
  const letters = noun(cli, 'dead-letters', 'Records no handler could take');
  which(
    verb(letters, 'list', 'List them, with the reason of each', [
      'dead-letters list',
      'dead-letters list --service approval --event image.built --because "bad signature"',
    ]),
  )
    .option('--service <name>', 'of one service')
    .option('--all', 'also those that were dealt with')
    .action(cli.does(list));
  verb(letters, 'show <service> <id>', 'Show one, with its stack and how it begins', [
    'dead-letters show approval slipway.builds:0:17',
  ]).action(cli.does(show));
  which(
    verb(letters, 'replay <service> [id]', 'Handle it again, or all that fit, once what was wrong is mended', [
      'dead-letters replay approval slipway.builds:0:17 --reason "schema mended in 1.2"',
      'dead-letters replay approval --all --because handler-failed --reason "mended in 1.2"',
    ]),
  )
    .option('--all', 'all open ones of the service that fit, the oldest first')
    .addOption(reasonOption())
    .addOption(waitOption())
    .action(cli.does((session: Session, deal: Deal, service: string, id?: string) => dealWith(session, 'replay', deal, service, id)));
  which(
    verb(letters, 'discard <service> [id]', 'Give it up, or all that fit: it is never handled', [
      'dead-letters discard approval slipway.builds:0:17 --reason "sent by mistake" --yes',
      'dead-letters discard approval --all --because not-json --reason "somebody else writes there" --yes',
    ]),
  )
    .option('--all', 'all open ones of the service that fit, the oldest first')
    .addOption(reasonOption())
    .addOption(yesOption())
    .addOption(waitOption())
    .action(cli.does((session: Session, deal: Deal, service: string, id?: string) => dealWith(session, 'discard', deal, service, id)));
}

const which = (command: Command): Command =>
  command.option('--event <name>', 'of one event, like image.built').option('--because <text>', 'whose reason has this in it');

async function all(session: Session, service: string | undefined) {
  const api = await session.api();
  const of = service === undefined ? {} : { service: serviceNamed(service) };
  const items = [];
  let cursor: string | undefined;
  do {
    const page = await api.listDeadLetters({ query: { ...of, limit: 200, ...(cursor === undefined ? {} : { cursor }) } });
    items.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

function serviceNamed(name: string) {
  const parsed = Service.safeParse(name);
  if (!parsed.success) throw new Misused(`${JSON.stringify(name)} is no service; there are ${Service.options.join(', ')}`);
  return parsed.data;
}

type Letter = Awaited<ReturnType<typeof all>>[number];

/** The name of the event a letter is, without the version that its type carries. */
const eventOf = ({ name }: Letter): string => name?.replace(/^slipway\.(.*)\.v\d+$/, '$1') ?? '';

function fits(letter: Letter, { event, because }: Which): boolean {
  return (
    (event === undefined || eventOf(letter) === event || letter.name === event) &&
    (because === undefined || letter.reason.includes(because))
  );
}

async function list(session: Session, { service, ...wanted }: Which & { service?: string }) {
  const items = (await all(session, service)).filter((letter) => (wanted.all || letter.state === 'open') && fits(letter, wanted));
  const now = session.around.now();
  session.out.either({ items }, () =>
    session.out.table(
      ['SERVICE', 'ID', 'EVENT', 'WHERE', 'AGE', 'STATE', 'REASON'],
      items.map((letter) => [
        letter.service,
        letter.id,
        oneLine(letter.name ?? '-', 40),
        `${letter.topic}/${letter.partition}@${letter.offset}`,
        ago(letter.at, now),
        coloured(session.out, letter.state),
        oneLine(letter.reason, 100),
      ]),
      'there is none: every record was handled',
    ),
  );
}

async function show(session: Session, _: object, service: string, id: string) {
  const letter = (await all(session, service)).find((each) => each.id === id);
  if (!letter) throw new Refused(`${service} has no dead letter ${JSON.stringify(id)}`);
  session.out.either(letter, () =>
    session.out.fields([
      ['service', letter.service],
      ['id', letter.id],
      ['event', `${oneLine(letter.name ?? 'unknown')} ${letter.event ?? ''}`.trim()],
      ['record', `${letter.topic}, partition ${letter.partition}, offset ${letter.offset}`],
      ['at', letter.at],
      ['state', letter.state],
      ['reason', tame(letter.reason)],
      ['stack', letter.stack === null ? undefined : tame(letter.stack)],
      ['body', bodyOf(letter)],
    ]),
  );
}

/** As text that no terminal obeys; of what nobody of Slipway signed, only how long it is. */
function bodyOf({ bytes, excerpt }: Letter): string | undefined {
  if (bytes === null) return undefined;
  if (excerpt === null) return `${bytes} bytes, not shown: no service of Slipway signed it, so that it may hold anything`;
  return `${tame(excerpt)}${excerpt.length < bytes ? ` … (${bytes} bytes)` : ''}`;
}

const words = {
  replay: { done: 'is handled again', never: undefined },
  discard: { done: 'is given up', never: 'will never be handled' },
} as const;

async function dealWith(
  session: Session,
  how: 'replay' | 'discard',
  deal: Deal,
  service: string,
  id: string | undefined,
): Promise<ExitCode> {
  if ((id === undefined) === (deal.all !== true))
    throw new Misused(`name the id of one dead letter, or say --all; see: slipway dead-letters list --service ${service}`);
  const of = serviceNamed(service);
  const { done, never } = words[how];
  if (id !== undefined) {
    if (never) await session.confirm(`Dead letter ${id} of ${service} ${never}.`, deal.yes);
    await settled(session, await ask(session, how, of, id, deal), deal.wait, `dead letter ${id} of ${service} ${done}`);
    return exitCodes.ok;
  }
  const open = (await all(session, of)).filter((letter) => letter.state === 'open' && fits(letter, deal)).reverse();
  if (never && open.length > 0) await session.confirm(`${open.length} dead letters of ${service} ${never}.`, deal.yes);
  return await each(session, open, (letter) => ask(session, how, of, letter.id, deal), deal.wait);
}

const ask = async (session: Session, how: 'replay' | 'discard', service: Service, id: string, { reason }: Deal) => {
  const api = await session.api();
  const about = { params: { service, id }, body: { reason } };
  return how === 'replay' ? api.replayDeadLetter(about) : api.discardDeadLetter(about);
};

/** One after the other, in the order they came; one that is refused keeps none of the others from its turn. */
async function each(
  session: Session,
  open: readonly Letter[],
  act: (letter: Letter) => ReturnType<typeof ask>,
  wait: number,
): Promise<ExitCode> {
  const refused: { id: string; reason: string }[] = [];
  for (const [at, letter] of open.entries()) {
    try {
      await answered(session, await act(letter), wait);
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof ApiError && error.problem.status === 409)) throw error;
      refused.push({ id: letter.id, reason: error.message });
    }
    session.out.note(`${at + 1} of ${open.length}: ${letter.id}${refused.at(-1)?.id === letter.id ? ' stays' : ''}`);
  }
  session.out.either({ done: open.length - refused.length, refused }, () => {
    session.out.line(open.length === 0 ? 'there is none that fits' : `${open.length - refused.length} of ${open.length} done`);
    for (const { id, reason } of refused) session.out.line(`${id} stays: ${oneLine(reason, 200)}`);
  });
  return refused.length === 0 ? exitCodes.ok : exitCodes.failed;
}
