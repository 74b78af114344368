import { apiClient } from '@slipway/api';
import { isToken } from '@slipway/identity';
import { type Cli, verb } from '../command-line.js';
import { Misused, Refused } from '../exit.js';
import { oneLine } from '../output.js';
import type { Session } from '../session.js';
import { forgetToken, keepToken, origin } from '../settings.js';

interface LoginOptions {
  name?: string;
  email?: string;
}

/** `slipway login`, `logout` and `whoami`. */
export function signInCommands(cli: Cli): void {
  verb(cli.program, 'login', 'Log in with a one-time code or link, or with a token', [
    'login --url https://slipway.example',
    'login < .slipway/administrator-link',
    'login --name "Ada Administrator" --email ada@example.com',
  ])
    .option('--name <name>', 'your name, where Slipway does not know it yet')
    .option('--email <address>', 'your address, where Slipway does not know it yet')
    .action(cli.does(login));
  verb(cli.program, 'logout', 'Forget the token kept on this machine', ['logout']).action(cli.does(logout));
  verb(cli.program, 'whoami', 'Who you are to Slipway, and your roles', ['whoami']).action(cli.does(whoami));
}

async function login(session: Session, { name, email }: LoginOptions) {
  const { around, out } = session;
  const given = (await secretFrom(session)).trim();
  const link = URL.parse(given);
  const url =
    link !== null && /^https?:$/.test(link.protocol) && session.options.url === undefined
      ? origin(link.origin, 'the link')
      : (await session.url()).value;
  const secret = link === null ? given : codeIn(link);
  if (secret === '') throw new Misused('nothing was given; write a one-time code, its link, or a token, on standard input');
  if (!isToken(secret) && (secret.length < 16 || secret.length > 200))
    throw new Misused('this is neither a one-time code nor a token; paste all of it');
  const { person, token } = isToken(secret) ? await byToken(url, secret) : await byCode(url, secret, { name, email });
  const file = await keepToken(around, url, token);
  out.either({ url, person: { id: person.id, name: person.name }, kept: file }, () => {
    out.line(`logged in to ${url} as ${oneLine(person.name)}`);
    out.note(`the token is in ${file}, readable by you only. Next: slipway release list`);
  });
}

async function secretFrom({ around, interactive }: Session): Promise<string> {
  if (!around.stdin.isTerminal) return around.stdin.read();
  if (!interactive) throw new Misused('give the one-time code, its link, or a token on standard input');
  return around.stdin.ask('One-time code, its link, or a token: ', true);
}

/** The code in the link the gateway prints or mails: in its query or its fragment. */
function codeIn(link: URL): string {
  const parts = [link.searchParams, new URLSearchParams(link.hash.slice(1).replace(/^[^?]*\?/, ''))];
  const code = parts.flatMap((each) => [each.get('code'), each.get('token')]).find((each) => each);
  if (!code) throw new Misused('there is no code in this link; paste all of it');
  return code;
}

async function byToken(url: string, token: string) {
  return { person: await apiClient({ url, token }).me({}), token };
}

function byCode(url: string, code: string, { name, email }: LoginOptions) {
  return apiClient({ url }).redeem({ body: { code, ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) } });
}

async function logout(session: Session) {
  const { value: url } = await session.url();
  if (!(await forgetToken(session.around, url))) throw new Refused(`no token for ${url} is kept here`);
  session.out.either({ url }, () => session.out.line(`forgot the token for ${url}`));
  session.out.note('It is still good where else it is kept. Revoke it with: slipway token revoke');
}

async function whoami(session: Session) {
  const me = await (await session.api()).me({});
  const { value: url } = await session.url();
  session.out.either(me, () =>
    session.out.fields([
      ['name', oneLine(me.name)],
      ['id', me.id],
      ['gateway', url],
      ['roles', me.roles.map(({ role, project }) => (project === '*' ? role : `${role}@${project}`)).join(', ') || 'none'],
      ['emails', me.emails.map((email) => oneLine(email)).join(', ')],
      ['keys', String(me.keys.filter((key) => key.revokedAt === null).length)],
    ]),
  );
}
