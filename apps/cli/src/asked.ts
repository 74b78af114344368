import { createHash } from 'node:crypto';
import type { ApiClient, ApprovalView } from '@slipway/api';
import { Id, Name } from '@slipway/contracts';
import { asksOf } from '@slipway/release';
import type { z } from 'zod';
import { commitsIn, differencesIn } from './asked-change.js';
import { Misused, Refused } from './exit.js';
import { oneLine } from './output.js';
import { nameOf, releaseReference } from './references.js';
import type { Session } from './session.js';

export type Approval = z.infer<typeof ApprovalView>;

/** The request people mean by `shop/42`, `shop/42 production` or its id. @throws Refused where there is none, Misused where several are open. */
export async function requestNamed(api: ApiClient, text: string, environment: string | undefined): Promise<Approval> {
  if (environment !== undefined && !Name.safeParse(environment).success)
    throw new Misused(`${JSON.stringify(environment)} is no name of an environment`);
  if (Id.safeParse(text).success) return api.getApproval({ params: { id: text } });
  const reference = releaseReference(text);
  if (!('project' in reference)) throw new Misused(`name a release, like shop/42, or the id of a request`);
  const open = (await openRequests(api, reference.project)).filter(
    ({ release, environment: where }) => release.number === reference.number && (environment === undefined || where === environment),
  );
  const [one, another] = open;
  const where = environment === undefined ? '' : ` for ${environment}`;
  if (!one) throw new Refused(`nobody is asked about ${text}${where} now. See: slipway release show ${text}`);
  if (another)
    throw new Misused(
      `${text} is asked about for ${open.map((each) => each.environment).join(' and for ')}: say for which, like: ${text} ${one.environment}`,
    );
  return one;
}

/** All requests of a project that can still be decided. */
export async function openRequests(api: ApiClient, project: string | undefined, mine = false): Promise<Approval[]> {
  const items: Approval[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.listApprovals({
      query: {
        state: 'open',
        limit: 200,
        ...(project === undefined ? {} : { project }),
        ...(mine ? { mine: 'true' as const } : {}),
        ...(cursor === undefined ? {} : { cursor }),
      },
    });
    items.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

/**
 * Makes sure that what is shown is what is signed for: the hash people sign must be the one of the deployment beside it.
 *
 * @throws Refused where it is not.
 */
export function refuseOtherThanShown({ deployment, asks }: Approval): void {
  const own = asksOf(deployment, (text) => createHash('sha256').update(text, 'utf8').digest('hex'));
  if (own !== asks)
    throw new Refused(`the gateway shows a deployment with hash ${own}, but asks to sign for ${asks}: do not sign; tell your operators`);
}

/** Where it would run, as what is signed says it. */
function placeOf({ name, version, namespace, docker }: Approval['deployment']['target']): string {
  const target = `${name} (version ${version}), namespace ${namespace}`;
  if (docker === undefined) return target;
  const engine = docker.host === undefined ? 'the Docker Engine of the service' : oneLine(docker.host);
  return `${target}\n${engine}, answering on ${oneLine(docker.address)}`;
}

/** Shows what is asked: what would run, whose change it is and of which commits, what differs from what runs there, what runs in test, who said what. */
export function showAsked(session: Session, asked: Approval): void {
  const { out } = session;
  const { release, deployment, environment } = asked;
  out.fields([
    ['asked', `${out.paint('bold', nameOf(release))} into ${out.paint('bold', environment)} (${deployment.stage})`],
    ['request', asked.request],
    ['state', asked.state],
    ['until', asked.expiresAt],
    ['source', `${oneLine(release.ref)} at ${release.revision}`],
    ['by', people(asked.authors) || 'nobody the source names'],
    ['commits', commitsIn(asked)],
    ['image', `${oneLine(deployment.image.repository)}\n@${deployment.image.digest}`],
    ['runs as', settingsOf(asked)],
    ['differs', differencesIn(asked, (text) => session.words(text))],
    ['on', placeOf(deployment.target)],
    ['in test', inTest(asked)],
    ['signs for', `sha256 ${asked.asks}`],
  ]);
  out.fields([
    ['newer', asked.newerAvailable === null ? undefined : `${release.project}/${asked.newerAvailable} waits for ${environment} too`],
    ['before', asked.previous === null ? undefined : earlier(asked.previous)],
    ['soaks', asked.soakUntil === null ? undefined : `until ${asked.soakUntil}`],
    ['missing', asked.missing.map((each) => oneLine(each)).join('\n') || undefined],
    ['may sign', names(asked.eligible) || undefined],
    ['may not', asked.involved.length === 0 ? undefined : `${names(asked.involved)} (it is their own change)`],
    ['unknown', asked.unmatched.length === 0 ? undefined : `${people(asked.unmatched)}: match nobody, so one more person each must sign`],
    [
      'signed',
      asked.signOffs
        .map(
          ({ person, decision, via, at, comment, inTest }) =>
            `${oneLine(person.name)}: ${decision} by ${via}, ${at}${comment === '' ? '' : ` “${oneLine(comment)}”`}${thereThen(inTest, release)}`,
        )
        .join('\n') || undefined,
    ],
    [
      'refused',
      asked.refusals.map(({ person, reason }) => `${oneLine(person?.name ?? 'somebody')}: ${oneLine(reason)}`).join('\n') || undefined,
    ],
  ]);
}

function settingsOf({ deployment: { app, projectVersion, policy } }: Approval): string {
  const env = Object.entries(app.env).map(([name, value]) => `env ${name}=${oneLine(value, 100)}`);
  const secrets = app.secrets.map(({ name, version }) => `secret ${name} (version ${version.slice(0, 12)})`);
  return [
    `${app.instances} × ${app.cpus} CPU, ${app.memory}, port ${app.port}, health ${app.health.http}`,
    ...env,
    ...secrets,
    `project file version ${projectVersion}${policy?.proof === 'key' ? '; to be signed by key' : ''}`,
  ].join('\n');
}

function inTest({ inTest: there, deployment, deployAgain }: Approval): string {
  const same = there?.image.digest === deployment.image.digest ? 'this very image' : `ANOTHER image, ${there?.image.digest}`;
  return [
    there === null ? 'nothing runs there now' : `${there.environment} runs ${nameOf(there.release)}, ${same}`,
    ...(there === null || there.address === '' ? [] : [oneLine(there.address)]),
    ...(deployAgain === null
      ? []
      : [`to have ${nameOf({ ...deployment, ...deployment.release })} there again: ${oneLine(deployAgain.command, 400)}`]),
  ].join('\n');
}

/** The earlier no in the words of who said it, or why the earlier request ended. */
function earlier({ reason, by }: NonNullable<Approval['previous']>): string {
  return by === null ? oneLine(reason.message) : `rejected by ${oneLine(by.name)}: ${oneLine(reason.message)}`;
}

/** Said of a sign-off only where what ran in test was not what was signed for. */
function thereThen(inTest: Approval['signOffs'][number]['inTest'], { project, number }: Approval['release']): string {
  return inTest === null || inTest.release === number
    ? ''
    : `, while ${inTest.environment} ran ${nameOf({ project, number: inTest.release })}`;
}

const names = (all: readonly { name: string }[]): string => oneLine(all.map(({ name }) => name).join(', '));
const people = (all: readonly { name: string; email: string | null }[]): string =>
  oneLine(all.map(({ name, email }) => (email === null ? name : `${name} <${email}>`)).join(', '));
