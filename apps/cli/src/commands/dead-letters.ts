import { Service } from '@slipway/contracts';
import { type Cli, noun, reasonOption, verb, waitOption, yesOption } from '../command-line.js';
import { Misused, Refused } from '../exit.js';
import { oneLine, tame } from '../output.js';
import type { Session } from '../session.js';
import { settled } from '../settling.js';
import { ago, coloured } from '../showing.js';

interface Deal {
  reason: string;
  yes?: boolean;
  wait: number;
}

/** `slipway dead-letters …`: records no handler could take. */
export function deadLetterCommands(cli: Cli): void {
  const letters = noun(cli, 'dead-letters', 'Records no handler could take');
  verb(letters, 'list', 'List them, with the reason of each', ['dead-letters list', 'dead-letters list --service approval --all'])
    .option('--service <name>', 'of one service')
    .option('--all', 'also those that were dealt with')
    .action(cli.does(list));
  verb(letters, 'show <service> <id>', 'Show one, with its stack', ['dead-letters show approval 17']).action(cli.does(show));
  verb(letters, 'replay <service> <id>', 'Handle it again, once what was wrong is mended', [
    'dead-letters replay approval 17 --reason "schema mended in 1.2"',
  ])
    .addOption(reasonOption())
    .addOption(waitOption())
    .action(cli.does(replay));
  verb(letters, 'discard <service> <id>', 'Give it up: it is never handled', [
    'dead-letters discard approval 17 --reason "sent by mistake" --yes',
  ])
    .addOption(reasonOption())
    .addOption(yesOption())
    .addOption(waitOption())
    .action(cli.does(discard));
}

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

async function list(session: Session, { service, all: every }: { service?: string; all?: boolean }) {
  const items = (await all(session, service)).filter(({ state }) => every || state === 'open');
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
    ]),
  );
}

async function replay(session: Session, { reason, wait }: Deal, service: string, id: string) {
  const answer = await (await session.api()).replayDeadLetter({ params: { service: serviceNamed(service), id }, body: { reason } });
  await settled(session, answer, wait, `dead letter ${id} of ${service} is handled again`);
}

async function discard(session: Session, { reason, yes, wait }: Deal, service: string, id: string) {
  await session.confirm(`Dead letter ${id} of ${service} will never be handled.`, yes);
  const answer = await (await session.api()).discardDeadLetter({ params: { service: serviceNamed(service), id }, body: { reason } });
  await settled(session, answer, wait, `dead letter ${id} of ${service} is given up`);
}
