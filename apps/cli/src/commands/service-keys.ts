import { readFile } from 'node:fs/promises';
import { inSeconds, Service, services } from '@slipway/contracts';
import { askForRowSeals, initKeys, parseTrustFile, revokeKey, rotateKeys, type TrustEntry, trustFileIn } from '@slipway/identity';
import { type Cli, noun, seconds, several, verb, yesOption } from '../command-line.js';
import { dataFolder } from '../doctor/key-checks.js';
import { Misused, Refused } from '../exit.js';
import type { Session } from '../session.js';

interface Where {
  dir?: string;
}

/** `slipway keys …`: the services' keys and the trust file on this machine. No gateway has a part in it. */
export function serviceKeyCommands(cli: Cli): void {
  const keys = noun(cli, 'keys', 'The services’ keys and the trust file on this machine');
  const local = (usage: string, summary: string, examples: string[]) =>
    verb(keys, usage, summary, examples).option('--dir <folder>', 'the data folder of the installation (SLIPWAY_DATA_DIR; .slipway)');
  local('init', 'Make the keys and the trust file that are missing', ['keys init', 'keys init --dir /var/lib/slipway --service approval'])
    .option('--service <name>', 'only of this service; several times', several)
    .action(cli.does(init));
  local('list', 'List the trusted keys', ['keys list']).action(cli.does(list));
  local('rotate [services...]', 'Give services new keys; the old ones are believed for a while', [
    'keys rotate',
    'keys rotate approval gateway --overlap 15d',
  ])
    .option('--overlap <duration>', 'how long the old keys are believed; longer than Kafka keeps an event', seconds, inSeconds('15d'))
    .action(cli.does(rotate));
  local('seals <ask|adopt> [services...]', 'Say in key files whether rows without a good seal are believed', [
    'keys seals ask',
    'keys seals adopt approval',
  ])
    .addOption(yesOption())
    .action(cli.does(seals));
  local('revoke <key>', 'Take a key out of the trust file: nothing it ever signed is believed any more', ['keys revoke 3xkN… --yes'])
    .addOption(yesOption())
    .action(cli.does(revoke));
}

function named(names: readonly string[] | undefined): Service[] {
  if (names === undefined || names.length === 0) return [...services];
  return names.map((name) => {
    const service = Service.safeParse(name);
    if (!service.success) throw new Misused(`${JSON.stringify(name)} is no service; there are ${services.join(', ')}`);
    return service.data;
  });
}

/** A file that is wrong, or readable by others, is the person's to mend: identity's messages say how. */
function mending<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: Error) => {
    throw new Refused(error.message);
  });
}

async function init(session: Session, { dir = dataFolder(session), service }: Where & { service?: string[] }) {
  const ring = await mending(initKeys({ dir, services: named(service) }));
  session.out.either(ring, () => {
    session.out.fields([['trust file', ring.trustFile], ...Object.entries(ring.keyFiles).map(([name, file]) => [name, file] as const)]);
    session.out.note('Every service reads its own key file and nobody else’s; the trust file goes to all of them.');
  });
}

async function list(session: Session, { dir = dataFolder(session) }: Where) {
  const items = await trusted(dir);
  session.out.either({ items }, () =>
    session.out.table(
      ['SERVICE', 'KEY', 'FROM', 'UNTIL', 'MAY SIGN'],
      items.map(({ service, keyId, notBefore, notAfter, may }) => [service, keyId, notBefore ?? '-', notAfter ?? '-', may.join(', ')]),
      'nobody is trusted yet',
    ),
  );
}

async function trusted(dir: string): Promise<TrustEntry[]> {
  const file = trustFileIn(dir);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Refused(error.code === 'ENOENT' ? `${file}: there is no trust file. Make it: slipway keys init` : error.message);
  });
  return parseTrustFile(text, file).keys;
}

async function rotate(session: Session, { dir = dataFolder(session), overlap }: Where & { overlap: number }, names: string[]) {
  const chosen = named(names);
  const ring = await mending(rotateKeys({ dir, services: chosen, overlapMs: overlap * 1000 }));
  session.out.either(ring, () => {
    session.out.line(`new keys for ${chosen.join(', ')}`);
    session.out.note(
      `Hand ${ring.trustFile} to every machine first, then restart these services; the old keys are believed until ${new Date(Date.now() + overlap * 1000).toISOString()}.`,
    );
  });
}

async function seals(session: Session, { dir = dataFolder(session), yes }: Where & { yes?: boolean }, said: string, names: string[]) {
  if (said !== 'ask' && said !== 'adopt') throw new Misused(`say ask or adopt, not ${JSON.stringify(said)}`);
  const chosen = named(names);
  if (said === 'adopt') {
    const whose = chosen.join(', ');
    await session.confirm(
      `Believe what the tables of ${whose} say, whoever wrote it, and seal it when the services are started again?`,
      yes,
    );
  }
  await mending(askForRowSeals({ dir, services: chosen, rowSeals: said === 'ask' ? 'asked' : 'adopted' }));
  session.out.either({ services: chosen, rowSeals: said }, () => {
    session.out.line(`${chosen.join(', ')}: rows without a good seal are ${said === 'ask' ? 'not believed' : 'believed, and sealed'}`);
    session.out.note('Services read it when they start: hand the key files to every machine and restart them.');
  });
}

async function revoke(session: Session, { dir = dataFolder(session), yes }: Where & { yes?: boolean }, keyId: string) {
  const key = (await trusted(dir)).find((each) => each.keyId === keyId);
  if (!key) throw new Refused(`key ${keyId} is not in ${trustFileIn(dir)}. See: slipway keys list`);
  await session.confirm(
    `Take the key of ${key.service} out of the trust file? Nothing it ever signed is believed any more, not what is on Kafka, nor in the audit chains.`,
    yes,
  );
  await mending(revokeKey({ dir, keyId }));
  session.out.either({ keyId, service: key.service }, () => session.out.line(`key ${keyId} of ${key.service} is not trusted any more`));
  session.out.note('Hand the trust file to every machine. If the service still signs with it: slipway keys rotate');
}
