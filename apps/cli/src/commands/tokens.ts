import { type Cli, noun, verb, wholeNumber } from '../command-line.js';
import { Misused } from '../exit.js';
import { oneLine } from '../output.js';
import { writePrivate } from '../private-files.js';
import { theOne } from '../references.js';
import type { Session } from '../session.js';
import { ago } from '../showing.js';

interface NewOptions {
  days?: number;
  forever?: boolean;
  out?: string;
}

/** `slipway token …`. */
export function tokenCommands(cli: Cli): void {
  const token = noun(cli, 'token', 'Your tokens for the API');
  verb(token, 'list', 'List your tokens', ['token list']).action(cli.does(list));
  verb(token, 'new <name>', 'Make a token; it is shown once', [
    'token new ci --days 30 --out ci-token',
    'token new ci | vault write secret/slipway token=-',
  ])
    .option('--days <number>', 'how long it is good; 90 unless said otherwise', wholeNumber(1, 365))
    .option('--forever', 'until it is revoked')
    .option('-o, --out <file>', 'keep it in this file, readable by you only, and show nothing')
    .action(cli.does(make));
  verb(token, 'revoke <name>', 'Revoke a token, by name or id', ['token revoke ci']).action(cli.does(revoke));
}

async function list(session: Session) {
  const { items } = await (await session.api()).listTokens({});
  const now = session.around.now();
  session.out.either({ items }, () =>
    session.out.table(
      ['NAME', 'ID', 'MADE', 'LAST USED', 'GOOD UNTIL'],
      items.map(({ name, id, createdAt, lastUsedAt, expiresAt }) => [
        oneLine(name),
        id,
        ago(createdAt, now),
        lastUsedAt === null ? 'never' : ago(lastUsedAt, now),
        expiresAt ?? 'no end',
      ]),
      'you have no token. Make one: slipway token new ci',
    ),
  );
}

async function make(session: Session, { days, forever, out: file }: NewOptions, name: string) {
  if (forever && days !== undefined) throw new Misused('give either --days or --forever');
  const body = { name, ...(forever ? { days: null } : days === undefined ? {} : { days }) };
  const fresh = await (await session.api()).addToken({ body });
  const { out } = session;
  if (file !== undefined) {
    await writePrivate(file, `${fresh.token}\n`);
    out.either({ id: fresh.id, expiresAt: fresh.expiresAt, kept: file }, () => out.line(`token ${oneLine(name)} is in ${file}`));
    out.note(`Use it with: SLIPWAY_TOKEN_FILE=${file}`);
    return;
  }
  out.either(fresh, () => out.line(fresh.token));
  out.note('It is not shown again. Keep it in a file only you can read, and name that in SLIPWAY_TOKEN_FILE.');
}

async function revoke(session: Session, _: object, word: string) {
  const api = await session.api();
  const { items } = await api.listTokens({});
  const token = theOne(items, word, ({ id, name }) => [id, name], 'token of yours called');
  const revoked = await api.revokeToken({ params: { id: token.id } });
  session.out.either(revoked, () => session.out.line(`token ${oneLine(token.name)} revoked`));
}
