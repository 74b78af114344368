import { type Approval, openRequests, refuseOtherThanShown, requestNamed, showAsked } from '../asked.js';
import { type Cli, noun, verb, waitOption, yesOption } from '../command-line.js';
import { exitCodes, Misused, Pending, Refused } from '../exit.js';
import { oneLine } from '../output.js';
import { nameOf } from '../references.js';
import type { Session } from '../session.js';
import { coloured, span } from '../showing.js';
import { lookAgain } from './approval-look.js';
import { type Signing, signWithKey } from './approval-sign.js';

interface Options extends Signing {
  comment?: string;
  yes?: boolean;
  wait: number;
  withKey?: string | true;
}
type Decided = 'approve' | 'reject';

/** `slipway approve`, `slipway reject` and `slipway approval …`. */
export function approvalCommands(cli: Cli): void {
  deciding(
    verb(cli.program, 'approve <release> [environment]', 'Sign a release off for an environment, after seeing what is asked', [
      'approve shop/42',
      'approve shop/42 production --comment "looked at it in test" --yes',
      'approve shop/42 production --with-key --out sign-off.json',
    ]),
  ).action(
    cli.does((session, options: Options, release: string, environment?: string) =>
      decide(session, options, 'approve', release, environment),
    ),
  );
  deciding(
    verb(cli.program, 'reject <release> [environment]', 'Send a release back, with the reason its authors get', [
      'reject shop/42 pre-release --comment "the basket loses items"',
    ]),
  ).action(
    cli.does((session, options: Options, release: string, environment?: string) =>
      decide(session, options, 'reject', release, environment),
    ),
  );
  const approval = noun(cli, 'approval', 'Requests for sign-off');
  verb(approval, 'list', 'List the open requests', ['approval list --mine', 'approval list --project shop'])
    .option('--mine', 'those you may decide')
    .option('-p, --project <name>', 'of one project')
    .action(cli.does(list));
  verb(approval, 'show <release> [environment]', 'Show what is asked, and who said what', ['approval show shop/42 production']).action(
    cli.does(show),
  );
}

function deciding(command: ReturnType<typeof verb>): ReturnType<typeof verb> {
  return command
    .option('-c, --comment <text>', 'what you looked at; why it goes back')
    .addOption(yesOption())
    .addOption(waitOption())
    .option('--with-key [file]', 'sign with your own key, and give out the event to post to Kafka; default: the key of slipway key new')
    .option('-o, --out <file>', 'with --with-key: write the event here instead of on standard output')
    .option('--topic-prefix <prefix>', 'with --with-key: what the topics of the installation begin with', 'slipway.');
}

async function list(session: Session, { mine, project }: { mine?: boolean; project?: string }) {
  const items = await openRequests(await session.api(), project, mine);
  const now = session.around.now().getTime();
  session.out.either({ items }, () =>
    session.out.table(
      ['RELEASE', 'ENVIRONMENT', 'MISSING', 'BY', 'EXPIRES IN', 'REQUEST'],
      items.map((each) => [
        nameOf(each.release),
        each.environment,
        oneLine(each.missing.join('; '), 60) || '-',
        oneLine(each.authors.map(({ name }) => name).join(', '), 40),
        span((Date.parse(each.expiresAt) - now) / 1000),
        each.request,
      ]),
      mine ? 'nothing waits for you' : 'nothing waits for a sign-off',
    ),
  );
}

async function show(session: Session, _: object, release: string, environment?: string) {
  const asked = await requestNamed(await session.api(), release, environment);
  session.out.either(asked, () => showAsked(session, asked));
}

async function decide(session: Session, options: Options, decision: Decided, release: string, environment: string | undefined) {
  const { comment = '', yes } = options;
  if (decision === 'reject' && comment.trim() === '') throw new Misused('say why with --comment: the reason reaches the authors');
  if (options.withKey === undefined && options.out !== undefined) throw new Misused('--out is for --with-key');
  const api = await session.api();
  const asked = await requestNamed(api, release, environment);
  if (asked.state !== 'open') throw new Refused(`this request is ${asked.state} already. See: slipway approval show ${asked.request}`);
  refuseOtherThanShown(asked);
  if (!yes && session.out.live) showAsked(session, asked);
  if (decision === 'approve' && !yes && (await lookAgain(session, asked, options.wait))) return exitCodes.ok;
  await session.confirm(`${decision === 'approve' ? 'Sign off' : 'Send back'} ${nameOf(asked.release)} for ${asked.environment}?`, yes);
  if (options.withKey !== undefined) return signWithKey(session, options, options.withKey, { asked, decision, comment });
  const said = await api.signOff({ params: { id: asked.request }, body: { decision, comment } });
  const missing = said.state === 'accepted' ? said.missing : await counted(session, asked, decision, options.wait);
  const state = decision === 'reject' ? 'rejected' : 'signed off';
  session.out.either({ request: asked.request, decision, state: 'accepted', missing }, () => {
    session.out.line(`${coloured(session.out, 'accepted')}: ${nameOf(asked.release)} ${state} for ${asked.environment}`);
    if (decision === 'approve')
      session.out.note(
        missing.length > 0
          ? `still missing: ${missing.join('; ')}`
          : `nothing is missing. Follow it: slipway release watch ${nameOf(asked.release)}`,
      );
  });
  return exitCodes.ok;
}

/** Waits until approval has counted what was posted. @throws Refused with its reason, Pending */
async function counted(session: Session, { request, refusals }: Approval, decision: Decided, waitSeconds: number): Promise<string[]> {
  const api = await session.api();
  const { id } = await api.me({});
  const until = performance.now() + waitSeconds * 1000;
  while (performance.now() < until) {
    const now = await api.getApproval({ params: { id: request }, signal: session.around.interrupted });
    if (now.signOffs.some((signOff) => signOff.person.id === id && signOff.decision === decision)) return now.missing;
    const refusal = now.refusals.slice(refusals.length).find(({ person }) => person?.id === id);
    if (refusal) throw new Refused(refusal.reason);
    await session.pause(500);
  }
  throw new Pending(`approval has not answered within ${waitSeconds} s; your sign-off is kept. See: slipway approval show ${request}`);
}
