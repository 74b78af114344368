import type { EnvironmentView } from '@slipway/api';
import type { z } from 'zod';
import { type Cli, moment, noun, reasonOption, verb, waitOption, wholeNumber, yesOption } from '../command-line.js';
import { Misused } from '../exit.js';
import { oneLine } from '../output.js';
import { environmentReference, nameOf, releaseNamed } from '../references.js';
import type { Session } from '../session.js';
import { settled } from '../settling.js';
import { ago, brief, span } from '../showing.js';

type View = z.infer<typeof EnvironmentView>;
interface Ask {
  reason: string;
  wait: number;
  yes?: boolean;
}

/** `slipway environment …`. Project and environment are written `shop production` or `shop/production`. */
export function environmentCommands(cli: Cli): void {
  const environment = noun(cli, 'environment', 'What runs where');
  verb(environment, 'list <project>', 'List the environments of a project', ['environment list shop']).action(cli.does(list));
  verb(environment, 'show <project> [environment]', 'Show what runs in an environment and what ran before', [
    'environment show shop production',
  ]).action(cli.does(show));
  const asking = (usage: string, summary: string, examples: string[]) =>
    verb(environment, usage, summary, examples).addOption(reasonOption()).addOption(yesOption()).addOption(waitOption());
  asking('scale <project> [environment]', 'Set the number of instances', [
    'environment scale shop production --to 4 --reason "sale today"',
    'environment scale shop production --reset --reason "sale over"',
  ])
    .option('--to <instances>', 'how many', wholeNumber(0, 500))
    .option('--reset', 'as many as the project file says')
    .action(cli.does(scale));
  asking('rollback <project> [environment]', 'Bring back the last good release, or the one named', [
    'environment rollback shop production --reason "orders fail"',
    'environment rollback shop production --to 40 --reason "orders fail" --yes',
  ])
    .option('--to <number>', 'to this release', wholeNumber(1, 2 ** 31 - 1))
    .action(cli.does(rollback));
  asking('hold <project> [environment]', 'Keep a test environment as it is', [
    'environment hold shop test --until 2h --reason "testing the basket"',
  ])
    .option('--until <time>', 'a duration, or a time in UTC', moment)
    .action(cli.does(hold));
  asking('unhold <project> [environment]', 'Let a test environment change again', ['environment unhold shop test --reason "done"']).action(
    cli.does(unhold),
  );
  asking('deploy <project> [environment]', 'Put a release back into a test environment', [
    'environment deploy shop test --release shop/41 --reason "look again"',
  ])
    .requiredOption('--release <release>', 'which one, like shop/41')
    .action(cli.does(deploy));
}

async function list(session: Session, _: object, project: string) {
  const { items } = await (await session.api()).listEnvironments({ params: { project } });
  const now = session.around.now();
  session.out.either({ items }, () =>
    session.out.table(
      ['ENVIRONMENT', 'STAGE', 'RUNS', 'IMAGE', 'SINCE', 'INSTANCES', 'ADDRESS', ''],
      items.map((each) => [
        each.environment,
        each.stage,
        each.running === null ? '-' : nameOf(each.running.release),
        each.running === null ? '-' : brief(each.running.image.digest),
        each.running === null ? '-' : ago(each.running.since, now),
        instancesOf(each),
        oneLine(each.running?.address ?? '-'),
        remarksOf(each),
      ]),
      'it has no environment',
    ),
  );
}

const instancesOf = ({ instances, scaledTo }: View): string => `${instances ?? '-'}${scaledTo === null ? '' : ' (scaled)'}`;

function remarksOf({ rolling, held, drifted }: View): string {
  return [
    rolling === null ? '' : `rolls out ${rolling.release.number} (${rolling.ready}/${rolling.wanted})`,
    held === null ? '' : `held by ${oneLine(held.by.name)}`,
    drifted ? 'drifted' : '',
  ]
    .filter(Boolean)
    .join(', ');
}

async function show(session: Session, _: object, first: string, second?: string) {
  const params = environmentReference(first, second);
  const view = await (await session.api()).getEnvironment({ params });
  const { out } = session;
  const { running, held } = view;
  out.either(view, () => {
    out.fields([
      ['environment', out.paint('bold', `${view.project} ${view.environment}`)],
      ['stage', view.stage],
      ['runs', running === null ? 'nothing' : `${nameOf(running.release)} since ${running.since}`],
      ['image', running === null ? undefined : `${oneLine(running.image.repository)}@${running.image.digest}`],
      ['address', running === null ? undefined : oneLine(running.address)],
      ['instances', instancesOf(view)],
      ['now', remarksOf({ ...view, held: null }) || undefined],
      [
        'differs',
        view.drift === null
          ? undefined
          : [`since ${view.drift.since} from what was approved`, ...view.drift.found.map((each) => oneLine(each, 300))].join('\n'),
      ],
      [
        'held',
        held === null
          ? undefined
          : `by ${oneLine(held.by.name)}${held.until === null ? '' : ` until ${held.until}`}: ${oneLine(held.reason)}`,
      ],
      ['barred', view.barred.length === 0 ? undefined : `${view.barred.join(', ')}: rolled back from; ask anew with slipway release ask`],
    ]);
    if (view.history.length > 0) out.line();
    out.table(
      ['RELEASE', 'HOW', 'AT', 'TOOK', 'BY', 'IMAGE'],
      view.history.map(({ release, how, at, seconds, by, digest }) => [
        String(release),
        how,
        at,
        span(seconds),
        oneLine(by ?? '-'),
        brief(digest),
      ]),
      '',
    );
  });
}

async function scale(
  session: Session,
  { to, reset, reason, yes, wait }: Ask & { to?: number; reset?: boolean },
  first: string,
  second?: string,
) {
  const params = environmentReference(first, second);
  if ((to === undefined) === (reset === undefined)) throw new Misused('give either --to <instances> or --reset');
  const where = `${params.project} ${params.environment}`;
  if (to === 0) await session.confirm(`Scale ${where} to nothing? It will not answer any more.`, yes);
  const answer = await (await session.api()).scale({ params, body: { instances: to ?? null, reason } });
  await settled(session, answer, wait, to === undefined ? `${where} follows the project file again` : `${where} is scaled to ${to}`);
}

async function rollback(session: Session, { to, reason, yes, wait }: Ask & { to?: number }, first: string, second?: string) {
  const params = environmentReference(first, second);
  const api = await session.api();
  const { running, stage } = await api.getEnvironment({ params });
  const where = `${params.project} ${params.environment}`;
  const from = running === null ? '' : ` from ${nameOf(running.release)}`;
  await session.confirm(
    `Roll ${where} (${stage}) back${from} to ${to === undefined ? 'the last good release' : `${params.project}/${to}`}? What it is rolled back from is barred there.`,
    yes,
  );
  await settled(session, await api.rollback({ params, body: { to: to ?? null, reason } }), wait, `${where} is rolled back`);
  session.out.note(`See: slipway environment show ${where}`);
}

async function hold(
  session: Session,
  { until, reason, wait }: Ask & { until?: ReturnType<typeof moment> },
  first: string,
  second?: string,
) {
  const params = environmentReference(first, second);
  const end =
    until === undefined ? null : 'at' in until ? until.at : new Date(session.around.now().getTime() + until.in * 1000).toISOString();
  const answer = await (await session.api()).hold({ params, body: { until: end, reason } });
  await settled(session, answer, wait, `${params.project} ${params.environment} is held${end === null ? '' : ` until ${end}`}`);
}

async function unhold(session: Session, { reason, wait }: Ask, first: string, second?: string) {
  const params = environmentReference(first, second);
  await settled(
    session,
    await (await session.api()).unhold({ params, body: { reason } }),
    wait,
    `${params.project} ${params.environment} may change again`,
  );
}

async function deploy(session: Session, { release: name, reason, yes, wait }: Ask & { release: string }, first: string, second?: string) {
  const params = environmentReference(first, second);
  const api = await session.api();
  const { release } = await releaseNamed(api, name);
  if (release.project !== params.project) throw new Misused(`${nameOf(release)} is not of project ${params.project}`);
  await session.confirm(`Put ${nameOf(release)} into ${params.project} ${params.environment}, in place of what runs there?`, yes);
  await settled(
    session,
    await api.deploy({ params, body: { release: release.id, reason } }),
    wait,
    `${nameOf(release)} goes to ${params.environment}`,
  );
}
