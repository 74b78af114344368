import { readFile } from 'node:fs/promises';
import { generatePersonKey, keyIdOf, loadPersonKey, PersonPrivateJwk, PersonPublicJwk } from '@slipway/identity';
import { type Cli, noun, verb, yesOption } from '../command-line.js';
import { Misused } from '../exit.js';
import { personKeyFile } from '../person-key-file.js';
import { theOne } from '../references.js';
import type { Session } from '../session.js';
import { ago } from '../showing.js';

/** `slipway key …`: the keys a person signs with. The private half never leaves this machine. */
export function personKeyCommands(cli: Cli): void {
  const key = noun(cli, 'key', 'Your own signing keys');
  verb(key, 'new', 'Make a key; the private half stays in a file only you can read', ['key new', 'key new --out ~/work-key.json'])
    .option('-o, --out <file>', 'where to keep the private half')
    .action(cli.does(make));
  verb(key, 'add [file]', 'Register the public half of a key, so that sign-offs by it are believed', [
    'key add',
    'key add public.jwk',
    'key add - < public.jwk',
  ]).action(cli.does(add));
  verb(key, 'list', 'List your registered keys', ['key list']).action(cli.does(list));
  verb(key, 'revoke <id>', 'Revoke a key: nothing signed by it is believed any more', ['key revoke 3xkN… --yes'])
    .addOption(yesOption())
    .action(cli.does(revoke));
}

async function make(session: Session, { out: given }: { out?: string }) {
  const file = given ?? personKeyFile(session.around);
  const { keyId, publicJwk } = await generatePersonKey(file).catch((error: Error) => {
    throw new Misused(error.message);
  });
  session.out.either({ keyId, publicJwk, file }, () => {
    session.out.line(JSON.stringify({ ...publicJwk, kid: keyId }));
    session.out.note(
      `The private half is in ${file}, readable by you only; above is the public one. Register it: slipway key add${given === undefined ? '' : ` ${file}`}`,
    );
  });
}

async function add(session: Session, _: object, file: string | undefined) {
  const jwk = await publicHalf(session, file);
  const added = await (await session.api()).addKey({ body: { jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x } } });
  session.out.either(added, () => {
    session.out.line(`key ${added.id} registered`);
    session.out.note('Sign with it: slipway approve shop/42 production --with-key');
  });
}

/** The public half out of a private key's file, a public JWK, or standard input. Only that is ever sent. */
async function publicHalf(session: Session, file: string | undefined): Promise<{ kty: 'OKP'; crv: 'Ed25519'; x: string }> {
  const from = file ?? personKeyFile(session.around);
  const text =
    from === '-'
      ? await session.around.stdin.read()
      : await readFile(from, 'utf8').catch((error: NodeJS.ErrnoException) => {
          throw new Misused(error.code === 'ENOENT' ? `${from}: there is no such key. Make one: slipway key new` : error.message);
        });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Misused(`${from === '-' ? 'standard input' : from} is no JSON Web Key`);
  }
  if (PersonPrivateJwk.safeParse(json).success) {
    if (from === '-') throw new Misused('this is a private key; it stays in its file, readable by you only: slipway key add <file>');
    return loadPersonKey(from).catch((error: Error) => {
      throw new Misused(error.message);
    });
  }
  const jwk = PersonPublicJwk.safeParse(json);
  if (!jwk.success)
    throw new Misused(
      `${from === '-' ? 'standard input' : from} is no Ed25519 key: ${jwk.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  return jwk.data;
}

async function list(session: Session) {
  const { items } = await (await session.api()).listKeys({});
  const now = session.around.now();
  const here = await loadPersonKey(personKeyFile(session.around)).then(keyIdOf, () => undefined);
  session.out.either({ items }, () =>
    session.out.table(
      ['KEY', 'ADDED', 'STATE', ''],
      items.map(({ id, addedAt, revokedAt }) => [
        id,
        ago(addedAt, now),
        revokedAt === null ? 'active' : `revoked ${ago(revokedAt, now)}`,
        id === here ? 'this machine’s' : '',
      ]),
      'you have registered no key. Make one: slipway key new',
    ),
  );
}

async function revoke(session: Session, { yes }: { yes?: boolean }, id: string) {
  const api = await session.api();
  const key = theOne((await api.listKeys({})).items, id, (each) => [each.id], 'key of yours');
  await session.confirm(`Revoke key ${key.id}? Nothing signed by it is believed any more.`, yes);
  const revoked = await api.revokeKey({ params: { id: key.id } });
  session.out.either(revoked, () => session.out.line(`key ${key.id} revoked`));
}
