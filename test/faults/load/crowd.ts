import type { Cleanup } from '../../../tools/parts/cleanup.ts';
import type { Canary } from '../../history/index.ts';
import type { LoadLog } from '../../history/load-log.ts';
import type { SuiteOfProcesses } from '../a-suite-of-processes.js';
import { PersonAtWork } from './person-at-work.ts';
import { plantRegistryLogin } from './planted.ts';
import { gitShop, type Shop, svnShop } from './shops.ts';

/** The people of a run, and what they work on. */
export interface Crowd {
  readonly shops: readonly Shop[];
  readonly testers: readonly PersonAtWork[];
  readonly operators: readonly PersonAtWork[];
  /** An operator who wrote every change of this project. */
  readonly author: { readonly person: PersonAtWork; readonly project: string };
  /** Tokens of people, passwords of sources and of the registry, and what apps are given: which may stand nowhere. */
  readonly canaries: readonly Canary[];
}

/** Two testers, three operators, one of whom writes what is sold in beds, three Git repositories, two of which tell of their pushes, and one of Subversion, whose hook tells too. */
export async function aCrowd(suite: SuiteOfProcesses, log: LoadLog, cleanup: Cleanup): Promise<Crowd> {
  const urls = suite.replicas.filter(({ service }) => service === 'gateway').map(({ url }) => url);
  const canaries: Canary[] = [await plantRegistryLogin(suite)];
  const join = async (name: string, role: 'tester' | 'operator', accounts: string[] = []) => {
    const emails = [`${name.toLowerCase()}@example.org`];
    const person = await suite.join({ name, emails, accounts, roles: [role] });
    canaries.push({ name: `token of ${name}`, value: person.token });
    return new PersonAtWork(person, urls, log);
  };
  const account = 'sven';
  const author = { person: await join('Sven', 'operator', [account]), project: 'beds' };
  const people = {
    testers: [await join('Tess', 'tester'), await join('Tom', 'tester')],
    operators: [await join('Olga', 'operator'), await join('Omar', 'operator')],
  };
  const shops = [
    await gitShop(suite, 'books', 'github', cleanup),
    await gitShop(suite, 'bikes', 'gitea', cleanup),
    await gitShop(suite, 'boats', undefined, cleanup),
    await svnShop(suite, 'beds', account, cleanup),
  ];
  return { ...people, author, shops, canaries: [...canaries, ...shops.flatMap((shop) => shop.canaries)] };
}
