import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ProjectSpec } from '@slipway/testkit';
import { svnSample } from '../../../tools/demo/sample/svn.ts';
import type { Cleanup } from '../../../tools/parts/cleanup.ts';
import { aCanary } from '../../attack/canary.ts';
import { author, Repository } from '../../e2e/a-repository.js';
import type { Canary } from '../../history/index.ts';
import type { SuiteOfProcesses } from '../a-suite-of-processes.js';
import { type Delivery, Forge, notifyCommit, type Provider } from './forge.ts';
import { serveGit } from './git-server.ts';
import { appSecret, credentials, plantAppSecrets, plantLogin } from './planted.ts';

/** What a commit is to come to, if nothing goes wrong that has not to do with it. */
export const turns = ['good', 'does not build', 'is not verified', 'does not roll out'] as const;
export type Turn = (typeof turns)[number];

/** A project under load. */
export interface Shop {
  readonly name: string;
  readonly system: 'git' | 'svn';
  /** Of the repository itself, for who reads it afterwards. */
  readonly folder: string;
  readonly ref: string;
  /** What of it may stand nowhere. */
  readonly canaries: readonly Canary[];
  commit(turn: Turn): Promise<string>;
  /** What such a commit comes to here: not every shop can make each of them. */
  comesTo(turn: Turn): Turn;
  /** How its forge tells of a push; by another `id` where it is told anew. Undefined where nobody tells. */
  delivery?(revision: string, id?: string): Delivery;
  /** Pushes what was good last to a second branch, which nobody tells of; undefined while nothing was. */
  branch?(): Promise<{ readonly ref: string; readonly revision: string } | undefined>;
  /** Applies its file with another variable for production: what waits there is not what was asked for any more. */
  change?(): Promise<void>;
}

const where = { target: 'lab', deadline: '120s' } as const;
const app = {
  secrets: [appSecret],
  drain: '0s',
  stable: '300ms',
  health: { http: '/', every: '500ms', timeout: '1s', grace: '10s' },
};
const alive = { health: { ...app.health, http: '/alive', grace: '5s' } } as const;

/** Test, then pre-release by a tester and an operator, then production by an operator. */
function specOf(source: ProjectSpec['source'], contains: string): Partial<ProjectSpec> & { source: ProjectSpec['source'] } {
  return {
    source,
    app,
    environments: [
      { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200, contains }] },
      {
        name: 'pre-release',
        stage: 'pre-release',
        after: ['test'],
        ...where,
        approval: { require: [{ role: 'tester' }, { role: 'operator' }] },
      },
      {
        name: 'production',
        stage: 'production',
        after: ['pre-release'],
        ...where,
        app: { instances: 2, ...alive },
        approval: { require: [{ role: 'operator' }] },
      },
    ],
  };
}

/** A Git repository; `provider` says whose forge tells of its pushes. Where none does it is read by http, with a password. */
export async function gitShop(suite: SuiteOfProcesses, name: string, provider: Provider | undefined, cleanup: Cleanup): Promise<Shop> {
  const repository = await Repository.make();
  cleanup.defer(`remove the repository of ${name}`, () => repository.remove());
  const forge = provider && (await Forge.of(suite, provider, name));
  let count = 0;
  const usual = 'FROM scratch\nCOPY server /server\nCOPY site /site\n';
  const serve = 'ENTRYPOINT ["/server", "--servedir=/site", "--serve=0.0.0.0:8080", "--watch=forever"]\n';
  let lastGood: string | undefined;
  const commit: Shop['commit'] = async (turn) => {
    count += 1;
    await repository.write('Dockerfile', turn === 'does not build' ? `${usual}COPY nothing-there /\n` : usual + serve);
    if (turn === 'does not roll out') await rm(join(repository.dir, 'site/alive'), { force: true });
    else await repository.write('site/alive', 'yes');
    const revision = await repository.commit(turn === 'is not verified' ? `nothing to be seen ${count}` : `page ${count} of ${name}`);
    if (turn === 'good') lastGood = revision;
    return revision;
  };
  await commit('good');
  const canaries = await plantAppSecrets(suite, name);
  const read = provider
    ? { url: repository.url, poll: '10s', webhook: provider }
    : await byHttp(suite, { name, repository, canaries, cleanup });
  const git = { ...read, branches: ['main', 'next'] };
  const spec = specOf({ git }, 'page');
  await suite.apply(name, spec);
  let changes = 0;
  const change = async (): Promise<void> => {
    changes += 1;
    const env = { CHANGES: String(changes) };
    const environments = (spec.environments ?? []).map((each) =>
      each.name === 'production' ? { ...each, app: { ...each.app, env } } : each,
    );
    await suite.apply(name, { ...spec, environments });
  };
  const branch: Shop['branch'] = async () => {
    return lastGood === undefined ? undefined : { ref: 'refs/heads/next', revision: await repository.branch('next', lastGood) };
  };
  const about = { name, system: 'git', folder: repository.dir, ref: 'refs/heads/main', canaries } as const;
  const shop = { ...about, commit, comesTo: (turn: Turn) => turn, branch, change };
  return { ...shop, ...(forge && { delivery: (revision: string, id?: string) => forge.delivery(revision, id) }) };
}

/** How it is read by http, by nobody without the password, which is added to the canaries. */
async function byHttp(
  suite: SuiteOfProcesses,
  { name, repository, canaries, cleanup }: { name: string; repository: Repository; canaries: Canary[]; cleanup: Cleanup },
) {
  const password = aCanary(`the password of ${name} in Git`);
  canaries.push(password);
  await plantLogin(suite, name, 'ci', password);
  const server = await serveGit(repository.dir, `ci:${password.value}`);
  cleanup.defer(`stop the Git server of ${name}`, () => server.close());
  return { url: server.url, poll: '2s', credentials };
}

/** A Subversion repository that nobody reads without a password, polled, whose hook tells of commits as well. Its server is stopped by `cleanup`. */
export async function svnShop(suite: SuiteOfProcesses, name: string, account: string, cleanup: Cleanup): Promise<Shop> {
  const source = await svnSample(suite.dataDir, cleanup, [account]);
  let count = 0;
  const commit: Shop['commit'] = async (turn) => {
    count += 1;
    const change = { author: { name: author.name, email: author.emails[0] as string, account }, commit: count, message: `Change ${count}` };
    return await source.commit({ ...change, broken: turn !== 'good' });
  };
  await commit('good');
  const base = join(suite.dataDir.path, 'svn');
  const folder = join(base, 'shop');
  const password = { name: `the password of ${name} in Subversion`, value: (await readFile(join(base, 'password'), 'utf8')).trim() };
  const conf = join(folder, 'conf', 'svnserve.conf');
  await writeFile(conf, (await readFile(conf, 'utf8')).replace('anon-access = read', 'anon-access = none'));
  await plantLogin(suite, name, account, password);
  const canaries = [password, ...(await plantAppSecrets(suite, name))];
  const spec = specOf({ svn: { url: source.url, branches: ['trunk'], poll: '1s', credentials } }, 'Add to basket');
  const environments = (spec.environments ?? []).map((environment) =>
    environment.name === 'production' ? { ...environment, app: { instances: 2 } } : environment,
  );
  await suite.apply(name, { ...spec, environments });
  const uuid = (await promisify(execFile)('svnlook', ['uuid', '--', folder], { timeout: 10_000 })).stdout.trim();
  // Its page lacks what verification looks for, and that is all it can lack.
  const comesTo = (turn: Turn): Turn => (turn === 'good' ? 'good' : 'is not verified');
  return { name, system: 'svn', folder, ref: 'trunk', canaries, commit, comesTo, delivery: (revision) => notifyCommit(uuid, revision) };
}
