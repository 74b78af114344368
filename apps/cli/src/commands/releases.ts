import type { ApiClient, ReleaseSummary } from '@slipway/api';
import { Name } from '@slipway/contracts';
import type { z } from 'zod';
import { type Cli, noun, reasonOption, seconds, verb, waitOption, wholeNumber, yesOption } from '../command-line.js';
import { Misused } from '../exit.js';
import { oneLine } from '../output.js';
import { type Detail, nameOf, releaseNamed } from '../references.js';
import type { Session } from '../session.js';
import { settled } from '../settling.js';
import { ago, brief, briefRef, coloured } from '../showing.js';
import { showLogs } from './release-logs.js';
import { watch } from './release-watch.js';

interface Filter {
  project?: string;
  environment?: string;
  state?: string;
  limit: number;
}
interface Ask {
  reason: string;
  wait: number;
  yes?: boolean;
}

/** `slipway release …`. */
export function releaseCommands(cli: Cli): void {
  const release = noun(cli, 'release', 'What became of commits');
  verb(release, 'list', 'List releases, newest first', ['release list --project shop', 'release list --state awaiting-approval --json'])
    .option('-p, --project <name>', 'of one project')
    .option('-e, --environment <name>', 'that came to this environment')
    .option('-s, --state <state>', 'in this state: building, testing, awaiting-approval, live, failed, …')
    .option('-l, --limit <number>', 'how many at most', wholeNumber(1, 10_000), 50)
    .action(cli.does(list));
  verb(release, 'show <release>', 'Show where a release is, what it waits for and its timeline', ['release show shop/42']).action(
    cli.does(show),
  );
  verb(release, 'watch <release>', 'Follow a release until it is live or ended; the exit code tells which', [
    'release watch shop/42',
    'release watch shop/42 --in pre-release --timeout 30m',
  ])
    .option('--in <environment>', 'until it is through this environment')
    .option('--timeout <duration>', 'give up watching after this long (exit code 4)', seconds)
    .action(cli.does(watch));
  verb(release, 'logs <release> [stream]', 'The logs of a release: its build, its checks', [
    'release logs shop/42',
    'release logs shop/42 build --follow',
  ])
    .option('-f, --follow', 'go on until the log ends')
    .option('--list', 'only name the logs there are')
    .action(cli.does(showLogs));
  addAsking(cli, release);
}

function addAsking(cli: Cli, release: ReturnType<typeof noun>): void {
  verb(release, 'retry <release>', 'Try the failed step again', ['release retry shop/42 --reason "the registry was away"'])
    .addOption(reasonOption())
    .addOption(waitOption())
    .action(cli.does(retry));
  verb(release, 'cancel <release>', 'Give up what is under way', ['release cancel shop/42 --reason "wrong branch" --yes'])
    .addOption(reasonOption())
    .addOption(yesOption())
    .addOption(waitOption())
    .action(cli.does(cancel));
  verb(release, 'withdraw <release>', 'Let it run nowhere any more, for good', ['release withdraw shop/42 --reason "leaks orders" --yes'])
    .addOption(reasonOption())
    .addOption(yesOption())
    .addOption(waitOption())
    .action(cli.does(withdraw));
  verb(release, 'ask <release> <environment>', 'Ask anew for its sign-off, after a rejection, an expiry or a rollback', [
    'release ask shop/42 production --reason "the finding was a test error"',
  ])
    .addOption(reasonOption())
    .addOption(waitOption())
    .action(cli.does(ask));
}

async function list(session: Session, { project, environment, state, limit }: Filter) {
  const api = await session.api();
  const items: z.infer<typeof ReleaseSummary>[] = [];
  let cursor: string | undefined;
  do {
    const filter = Object.fromEntries(Object.entries({ project, environment, state, cursor }).filter(([, value]) => value !== undefined));
    const page = await api.listReleases({ query: { ...filter, limit: Math.min(limit - items.length, 200) } });
    items.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  const now = session.around.now();
  const silent = session.out.json ? [] : await unreadable(api, project);
  session.out.either({ items }, () => {
    for (const line of silent) session.out.line(line);
    session.out.table(
      ['RELEASE', 'STATE', 'REF', 'REVISION', 'BY', 'AGE', 'CHANGE', 'WAITS FOR'],
      items.map((item) => [
        nameOf(item.release),
        coloured(session.out, item.state),
        briefRef(item.release.ref),
        brief(item.release.revision),
        oneLine(item.authors.join(', '), 30),
        ago(item.bornAt, now),
        oneLine(item.title, 50),
        oneLine(item.waitingFor.map((each) => session.words(each)).join('; '), 80),
      ]),
      'there is no such release yet',
    );
  });
}

/** Why commits are missing from the list: sources that cannot be read, and what to do about each. */
async function unreadable(api: ApiClient, project: string | undefined): Promise<string[]> {
  const { items } = await api.listProjects({});
  return items.flatMap(({ name, sourceFailing }) => {
    if (sourceFailing === null || (project !== undefined && project !== name)) return [];
    const { since, reason, mend } = sourceFailing;
    const why = `The source of ${name} cannot be read since ${since}, its new commits are not noticed: ${oneLine(reason.message, 300)}`;
    return [why, `→ ${oneLine(mend, 300)}`, ''];
  });
}

async function show(session: Session, _: object, name: string) {
  const detail = await releaseNamed(await session.api(), name);
  session.out.either(detail, () => tell(session, detail));
}

function tell(session: Session, detail: Detail): void {
  const { out } = session;
  const { release } = detail;
  out.fields([
    ['release', out.paint('bold', nameOf(release))],
    ['id', release.id],
    ['state', coloured(out, detail.state)],
    ['change', oneLine(detail.title)],
    ['source', `${briefRef(release.ref)} at ${release.revision}${release.kind === 'commit' ? '' : ` (${release.kind})`}`],
    ['by', oneLine(detail.authors.join(', ')) || undefined],
    ['image', imageOf(detail)],
    [
      'waits for',
      detail.waitingFor
        .map((each) => session.words(each) + (each.people.length > 0 ? ` (${oneLine(each.people.join(', '))})` : ''))
        .join('\n') || undefined,
    ],
    ['logs', detail.logs.join(', ') || undefined],
  ]);
  const now = session.around.now();
  if (detail.environments.length > 0) out.line();
  out.table(
    ['ENVIRONMENT', 'STATE', 'SINCE', 'ADDRESS', 'REQUEST'],
    detail.environments.map((each) => [
      each.environment,
      coloured(out, each.state),
      each.since === null ? '-' : ago(each.since, now),
      oneLine(each.address ?? '-'),
      each.request ?? '-',
    ]),
    '',
  );
  if (detail.timeline.length > 0) out.line();
  for (const entry of detail.timeline)
    out.line(
      `${out.paint('dim', entry.at)}  ${oneLine(session.words(entry))}${entry.by === null ? '' : out.paint('dim', ` — ${oneLine(entry.by)}`)}`,
    );
}

function imageOf({ image, retired }: Detail): string {
  if (image === null) return 'not built yet';
  const name = `${oneLine(image.repository)}@${image.digest}`;
  if (retired === null) return name;
  const fate = retired.removed
    ? `, removed ${retired.removed}`
    : retired.refused
      ? `; the registry keeps it: ${oneLine(retired.refused)}`
      : '';
  return `${name}\nkept no longer since ${retired.since}${fate}`;
}

async function retry(session: Session, { reason, wait }: Ask, name: string) {
  const api = await session.api();
  const { release } = await releaseNamed(api, name);
  await settled(
    session,
    await api.retryRelease({ params: { id: release.id }, body: { reason } }),
    wait,
    `${nameOf(release)} is tried again`,
  );
  session.out.note(`Follow it: slipway release watch ${nameOf(release)}`);
}

async function cancel(session: Session, { reason, wait, yes }: Ask, name: string) {
  const api = await session.api();
  const { release, title } = await releaseNamed(api, name);
  await session.confirm(`Give up what is under way for ${nameOf(release)} “${oneLine(title, 60)}”?`, yes);
  await settled(
    session,
    await api.cancelRelease({ params: { id: release.id }, body: { reason } }),
    wait,
    `${nameOf(release)} is cancelled`,
  );
}

async function withdraw(session: Session, { reason, wait, yes }: Ask, name: string) {
  const api = await session.api();
  const { release, title } = await releaseNamed(api, name);
  await session.confirm(
    `Withdraw ${nameOf(release)} “${oneLine(title, 60)}” for good? No environment will take it any more, not even as a rollback.`,
    yes,
  );
  await settled(
    session,
    await api.withdrawRelease({ params: { id: release.id }, body: { reason } }),
    wait,
    `${nameOf(release)} is withdrawn`,
  );
}

async function ask(session: Session, { reason, wait }: Ask, name: string, environment: string) {
  if (!Name.safeParse(environment).success) throw new Misused(`${JSON.stringify(environment)} is no name of an environment`);
  const api = await session.api();
  const { release } = await releaseNamed(api, name);
  const answer = await api.askAgain({ params: { id: release.id }, body: { reason, environment } });
  await settled(session, answer, wait, `the sign-off of ${nameOf(release)} for ${environment} is asked for anew`);
}
