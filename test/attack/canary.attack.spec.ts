import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailed, SourceFailed } from '@slipway/contracts';
import { realParts } from '@slipway/testkit';
import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Served, serveHttp } from '../../libs/source-control/src/git/git-servers.contract.js';
import { serveSvn } from '../../libs/source-control/src/svn/svn-servers.contract.js';
import { dockerApi } from '../../tools/parts/docker-api.ts';
import { Ear } from '../faults/an-ear.js';
import { Neighbour } from '../history/neighbour.ts';
import { type Attacked, attacked } from './attacked.ts';
import { aCanary, lookFor, type Piece, type Place } from './canary.ts';
import * as places from './canary-places.ts';
import { attack } from './case.ts';
import { CommandLine } from './command-line.ts';
import { GitPlace } from './git-place.ts';
import { type AttackedProject, aProject, aProjectFileOf, call, joinAs, keepSecret, type Somebody } from './world.ts';

const wrong = aCanary('a wrong password of git');
const wrongSvn = aCanary('a wrong password of svn');
const inGit = aCanary('the password of git');
const webhook = aCanary('the secret of a webhook');
const inTest = aCanary('a secret of the app in test');
const inProduction = aCanary('a secret of the app in production');
const ofRegistry = aCanary('the password of a registry');
const canaries = [wrong, wrongSvn, inGit, webhook, inTest, inProduction, ofRegistry];

let place: GitPlace;
let neighbour: Neighbour;
let ear: Ear;
let project: AttackedProject & { drop(): Promise<void> };
let somebody: Somebody;
const servers: Served[] = [];
const names = { git: `attack-${v7().slice(-8)}`, bad: `attack-${v7().slice(-8)}`, svn: `attack-${v7().slice(-8)}` };

/** A run with every kind of secret in it, on good ways and bad ones. */
beforeAll(async () => {
  const on = attacked();
  place = await GitPlace.make();
  neighbour = Neighbour.at(on.dataDir);
  ear = await Ear.at(on.topicPrefix);
  somebody = await joinAs(on, { roles: [{ role: 'operator', project: '*' }] });
  // Who wrote the commits: somebody unknown would need one more to sign.
  await joinAs(on, { emails: ['dev@example.com'], roles: [{ role: 'developer', project: '*' }] });
  canaries.push({ name: 'a token', value: somebody.token }, { name: 'the token of the administrator', value: on.administratorToken });
  for (const service of ['source-watcher', 'image-builder'] as const) {
    await keepSecret(on, service, names.git, 'deploy', `ci:${inGit.value}\n`);
    await keepSecret(on, service, names.bad, 'deploy', `ci:${wrong.value}\n`);
    await keepSecret(on, service, names.svn, 'deploy', `ci:${wrongSvn.value}\n`);
  }
  await keepSecret(on, 'source-watcher', names.git, 'hook', webhook.value);
  await keepSecret(on, 'test-deployer', names.git, 'db-password', inTest.value);
  await keepSecret(on, 'production-rollout', names.git, 'db-password', inProduction.value);
  const auth = Buffer.from(`robot:${ofRegistry.value}`).toString('base64');
  const registries = JSON.stringify({ auths: { [realParts().registry]: { auth } } });
  await writeFile(join(on.dataDir, 'secrets', 'image-builder', 'registries.json'), registries, { mode: 0o600 });
  await throughGit(on);
  await withWrongPasswords(on);
}, 240_000);

afterAll(async () => {
  await ear?.close();
  neighbour?.close();
  for (const server of servers) await server.close();
  await project?.drop();
  await place?.drop();
}, 60_000);

/** To production, read by http with a password, told by a webhook, with secrets for the app; a build prints all it can see, one fails. */
async function throughGit(on: Attacked): Promise<void> {
  const look = () => {
    neighbour.look();
    return false;
  };
  const server = await serveHttp(place.ground.repositories, `ci:${inGit.value}`, look);
  servers.push(server);
  const repository = await place.repository();
  const esbuild = await readFile('node_modules/@esbuild/linux-x64/bin/esbuild');
  const prints =
    '/bin/busybox env; /bin/busybox cat /proc/*/environ /proc/*/cmdline; /bin/busybox find / -xdev; /bin/busybox cat /run/secrets/*; true';
  const dockerfile = `FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nRUN ["/bin/sh","-c","${prints}"]\nCOPY server /server\nCOPY site /site\nENTRYPOINT ["/server", "--servedir=/site", "--serve=0.0.0.0:8080", "--watch=forever"]\n`;
  await copyFile('/bin/busybox', join(repository.work, 'busybox'));
  await repository.commit({ Dockerfile: dockerfile, server: { run: '' }, 'site/index.html': 'one' }, 'first');
  await writeFile(join(repository.work, 'server'), esbuild, { mode: 0o755 });
  const url = `${server.url}/${repository.source.name}.git`;
  const git = { url, poll: '1s', credentials: 'deploy', webhook: { provider: 'github', secret: 'hook' } } as const;
  const app = {
    drain: '0s',
    stable: '300ms',
    secrets: ['db-password'],
    health: { http: '/', every: '300ms', timeout: '500ms', grace: '15s' },
  };
  await repository.commit({ 'site/index.html': 'two' }, 'second');
  project = await aProject(on, { source: { git }, app }, names.git);
  const request = await project.request(1);
  await somebody.api.signOff({ params: { id: request }, body: { decision: 'approve' } });
  await project.reaches(1, 'production', 'live');
  await call(on, `/webhooks/github/${names.git}`, {
    method: 'POST',
    body: '{}',
    headers: { 'x-github-event': 'push', 'x-hub-signature-256': 'sha256=00' },
  });
  await repository.commit({ Dockerfile: `${dockerfile}RUN ["/bin/sh","-c","/bin/busybox env; exit 3"]\n` }, 'third');
  await ear.hears(BuildFailed, ({ release }) => release.project === names.git, 60_000);
}

async function withWrongPasswords(on: Attacked): Promise<void> {
  const apply = (name: string, source: object) =>
    on.administrator.applyProject({
      params: { name },
      body: aProjectFileOf(name, 'file:///x', { source }),
      query: { reason: 'an attack' },
    });
  await apply(names.bad, { git: { url: `${servers[0]?.url}/any.git`, poll: '1s', credentials: 'deploy' } });
  const repository = await place.svnGround.repository('locked', 'svn://x');
  await repository.commit({ a: '1' }, 'first');
  await place.svnGround.lock('locked', 'ci', 'another password');
  const svn = await serveSvn(place.svnGround.repositories);
  servers.push(svn);
  await apply(names.svn, { svn: { url: `${svn.url}/locked`, poll: '1s', credentials: 'deploy' } });
  for (const name of [names.bad, names.svn]) {
    const failed = await ear.hears(SourceFailed, (data) => data.project === name, 60_000);
    expect(failed.reason.code).toBe('authentication');
  }
}

const nowhere = async (...where: Place[]) => expect(await lookFor(canaries, where)).toEqual([]);

describe('The canary secret', () => {
  attack('S01', { input: 'looked for in every record of every topic, logs among them', expected: 'in none' }, async (on) => {
    await nowhere(places.records(realParts().kafkaBrokers, on.topicPrefix));
    return `${ear.records.length} records and more`;
  });

  attack('S02', { input: 'in every row of every table of every service', expected: 'in none; tokens are hashed' }, async (on) => {
    const client = new pg.Client({ connectionString: on.databaseUrl });
    await client.connect();
    try {
      await nowhere(places.rows(async <T>(sql: string) => (await client.query(sql)).rows as T[]));
    } finally {
      await client.end();
    }
    return 'no row has it';
  });

  attack(
    'S03',
    { input: 'in every log of every service, and every other file of the suite but the secrets themselves', expected: 'in none' },
    async (on) => {
      // The checkout is the copy of the compiled services that the suite runs from.
      const own = (path: string) => /^(secrets|keys|checkout)(\/|$)|\/secrets(\/|$)/.test(path);
      await nowhere(places.files('logs', join(on.dataDir, 'logs')), places.files('files', on.dataDir, own));
      return 'no file has it, the settings of git copies among them';
    },
  );

  attack(
    'S04',
    { input: 'in every answer of the API that an administrator can get, on every page, health and metrics page', expected: 'in none' },
    async (on) => {
      const document = (await (await fetch(`${on.gatewayUrl}/api/v1/openapi.json`)).json()) as { paths: Record<string, { get?: object }> };
      const { items } = await on.administrator.listReleases({ query: { project: names.git, limit: 5 } });
      const release = items[0]?.release.id ?? '';
      const [approval] = (await on.administrator.listApprovals({ query: { project: names.git, limit: 1 } })).items;
      const { command } = await on.administrator.refreshProject({ params: { name: names.git }, body: { reason: 'for its id' } });
      const ids: Record<string, string> = {
        project: names.git,
        name: names.git,
        p: names.git,
        e: 'production',
        environment: 'production',
        number: '1',
        service: 'approval',
      };
      const idIn = (path: string) =>
        (path.includes('/approvals') ? approval?.request : path.includes('/commands') ? command : release) ?? 'x';
      const paths = Object.entries(document.paths).flatMap(([path, { get }]) => {
        if (!get || path.endsWith('/events')) return [];
        const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'id' ? idIn(path) : (ids[name] ?? 'x')));
        return path.endsWith('/logs') ? ['build/1', 'verify/test/1'].map((stream) => `${filled}?stream=${stream}`) : [filled];
      });
      const urls = paths.map((path) => ({
        url: `${on.gatewayUrl}${path.startsWith('/api') ? '' : '/api/v1'}${path}`,
        token: on.administratorToken,
      }));
      const pages = Object.values(on.ports).flatMap((port) =>
        ['/metrics', '/health/ready', '/health/live'].map((page) => ({ url: `http://127.0.0.1:${port}${page}` })),
      );
      const statuses = await Promise.all(
        urls.map(async ({ url, token }) => `${(await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status} ${url}`),
      );
      expect(statuses.filter((each) => !each.startsWith('200 '))).toEqual([]);
      await nowhere(
        places.answers('API', urls),
        places.answers('pages', [...pages, { url: `${on.gatewayUrl}/` }, { url: `${on.gatewayUrl}/api/docs` }]),
      );
      return `${urls.length} answers, ${pages.length + 2} pages`;
    },
  );

  attack(
    'S08',
    {
      input: 'on the terminal of an administrator: doctor, also of the data folder, and every command that shows something',
      expected: 'in none',
      within: 120_000,
    },
    async (on) => {
      const line = await CommandLine.of(on);
      const said: Piece[] = [];
      try {
        for (const words of [
          ['doctor', '--data-dir', on.dataDir],
          ['doctor', '--data-dir', on.dataDir, '--json'],
          ['whoami', '--json'],
          ['project', 'show', names.git, '--json'],
          ['target', 'show', 'lab', '--json'],
          ['release', 'list', '--json'],
          ['release', 'show', `${names.git}/1`, '--json'],
          ['release', 'logs', `${names.git}/1`],
          ['environment', 'show', names.git, 'production', '--json'],
          ['approval', 'list', '--json'],
          ['person', 'list', '--json'],
          ['token', 'list', '--json'],
          ['audit', 'show', '--json'],
          ['dead-letters', 'list', '--json'],
        ]) {
          const content = await line.shows(...words);
          expect(content, words.join(' ')).not.toMatch(/^error: unknown|Usage: /m);
          said.push({ where: words.join(' '), content });
        }
      } finally {
        await line.drop();
      }
      await nowhere({ name: 'the command line', atLeast: 10, pieces: () => said });
      return `${said.length} commands`;
    },
  );

  attack(
    'S05',
    {
      input: 'in every layer, configuration and history of every image, and in every container inspected, and what it printed',
      expected: 'in none',
    },
    async () => {
      const label = `dev.slipway.project=${names.git}`;
      const host = realParts().dockerHost ?? `unix://${realParts().dockerSocket}`;
      await nowhere(places.images(host, label), places.containers(dockerApi(host), label));
      return 'no image and no container has it';
    },
  );

  attack(
    'B13',
    {
      input:
        'a build that prints all it can see: its environment, every file, what every process was started with, and looks where secrets lie',
      expected: 'nothing to mask: no build has a secret, so that its log has none in any form, in base64 and reversed neither',
    },
    async (on) => {
      const { release } = await on.administrator.getReleaseByNumber({ params: { project: names.git, number: 1 } });
      const printed: { text: string; from: number } = { text: '', from: 0 };
      for (;;) {
        const { status, text } = await call(on, `/api/v1/releases/${release.id}/logs?stream=build/1&from=${printed.from}`, {
          token: on.administratorToken,
        });
        expect(status).toBe(200);
        const page = JSON.parse(text) as { text: string; next: number };
        if (page.text === '') break;
        printed.text += page.text;
        printed.from = page.next;
      }
      expect(printed.text).toContain('/bin/busybox');
      const all = [printed.text, [...printed.text].reverse().join('')];
      await nowhere({ name: 'the log of the build', pieces: () => all.map((content) => ({ where: names.git, content })) });
      return `${printed.text.length} characters`;
    },
  );

  attack(
    'S06',
    { input: 'in the arguments and the environment of every process that was seen while git and svn were at it', expected: 'in none' },
    async () => {
      expect(neighbour.saw('git-remote-http') || neighbour.saw('ls-remote')).toBe(true);
      await nowhere(neighbour);
      return 'no process showed it';
    },
  );

  attack(
    'S07',
    { input: 'files of the suite that others on the machine may read', expected: 'none that holds a secret or a key' },
    async (on) => {
      const open = (await places.openToOthers(on.dataDir)).filter((path) => !path.startsWith('checkout/'));
      expect(open.filter((path) => /secret|\.key|key\.json|credential|token/i.test(path))).toEqual([]);
      return `${open.length} files are open, none of them a secret`;
    },
  );
});
