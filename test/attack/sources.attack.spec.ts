import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceFailed } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { git } from '../../libs/source-control/src/git/git-ground.contract.js';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { GitPlace } from './git-place.ts';
import { aProject, aProjectFileOf, call, keepSecret, problemOf, type Spec, signedAsGitHub } from './world.ts';

let place: GitPlace;
let ear: Ear;
beforeAll(async () => {
  place = await GitPlace.make();
  ear = await Ear.at(attacked().topicPrefix);
}, 60_000);
afterAll(async () => {
  await ear?.close();
  await place?.drop();
});

const gitOf = (url: string, more: object = {}): Spec => ({ source: { git: { url, poll: '1s', ...more } } });
const apply = (name: string, spec: Spec) =>
  attacked().administrator.applyProject({
    params: { name },
    body: aProjectFileOf(name, 'file:///x', spec),
    query: { reason: 'an attack' },
  });
const released = async (project: string) =>
  (await attacked().administrator.listReleases({ query: { project, limit: 200 } })).items.map(({ release }) => release);
const outcomes = (project: string) =>
  ear
    .once()
    .filter(({ headers, value }) => /commit\.(detected|ignored|folded)/.test(headers['ce_type'] ?? '') && String(value).includes(project));

describe('Sources of the suite', () => {
  attack(
    'G01',
    {
      input: 'urls --upload-pack=touch, -oProxyCommand, ext::sh -c, ssh://-oProxyCommand, svn+ssh://-oProxyCommand, file:///etc',
      expected: '422 that names the field, or the source fails as refused; nothing runs',
      provenBy: [{ file: 'libs/source-control/src/source-url.spec.ts', test: 'refuses' }],
    },
    async () => {
      const canary = join(place.folder, 'g01');
      const urls = [
        `--upload-pack=touch ${canary}`,
        '-oProxyCommand=x',
        `ext::sh -c "touch ${canary}"`,
        'ssh://-oProxyCommand=x/',
        'git@-oProxyCommand=x:y',
      ];
      for (const url of urls) {
        const problem = await problemOf(apply(`attack-${v7().slice(-8)}`, gitOf(url)));
        expect([problem.status, JSON.stringify(problem)], url).toEqual([422, expect.stringContaining('spec.source.git')]);
      }
      const svn = await problemOf(
        apply(`attack-${v7().slice(-8)}`, { source: { svn: { url: 'svn+ssh://-oProxyCommand=x/', poll: '1s' } } }),
      );
      expect(svn.status).toBe(422);
      const later = ['ssh://a@-oProxyCommand=x/', 'file:///etc', 'http://127.0.0.1/--upload-pack=x', 'http://127.0.0.1/../x'];
      for (const url of later) {
        const name = `attack-${v7().slice(-8)}`;
        await apply(name, gitOf(url));
        const failed = await ear.hears(SourceFailed, (data) => data.project === name);
        expect(failed.reason.code, url).toBe('refused-url');
      }
      expect(existsSync(canary)).toBe(false);
      return `${urls.length + 1} times 422, ${later.length} times refused-url`;
    },
  );

  attack(
    'G15',
    {
      input: 'credentials in the url of a source: https://, http:// and ssh:// with user:password@, svn:// too',
      expected: '422 that names the field and says where secrets go; no part of them in the answer, in a log or in an event',
      provenBy: [{ file: 'libs/source-control/src/source-url.spec.ts', test: 'refuses' }],
    },
    async (on) => {
      const password = `hunter-${v7()}`;
      const urls = [`https://ci:${password}@git.example/x`, `http://ci:${password}@git.example/x`, `ssh://ci:${password}@git.example/x`];
      const specs: Spec[] = [
        ...urls.map((url) => gitOf(url)),
        { source: { svn: { url: `svn://ci:${password}@svn.example/x`, poll: '1s' } } },
      ];
      for (const spec of specs) {
        const problem = await problemOf(apply(`attack-${v7().slice(-8)}`, spec));
        expect([problem.status, JSON.stringify(problem)]).toEqual([422, expect.stringContaining('spec.source.')]);
        expect(JSON.stringify(problem)).not.toContain(password);
      }
      for (const log of await readdir(join(on.dataDir, 'logs')))
        expect(await readFile(join(on.dataDir, 'logs', log), 'utf8')).not.toContain(password);
      expect(ear.records.some(({ value }) => String(value).includes(password))).toBe(false);
      return `${specs.length} times 422`;
    },
  );

  attack(
    'G11',
    {
      input: 'a tag moved to another commit after its release',
      expected: 'the release stays what it was; the move is a release of its own',
      within: 120_000,
    },
    async (on) => {
      const repository = await place.repository();
      const first = await repository.commit({ Dockerfile: 'FROM scratch\nCOPY a /\n', a: '1' }, 'first');
      const name = `attack-${v7().slice(-8)}`;
      await apply(name, gitOf(repository.source.url, { tags: ['v*'] }));
      await eventually(async () => (await released(name)).length === 1, { within: 30_000 });
      await repository.makeTag();
      await eventually(async () => (await released(name)).some(({ ref }) => ref === 'refs/tags/v1'), { within: 30_000 });
      const second = await repository.commit({ a: '2' }, 'second');
      await git(repository.work, 'tag', '-f', 'v1', second);
      await git(repository.work, 'push', '-q', '--force', 'origin', 'refs/tags/v1');
      await eventually(async () => (await released(name)).filter(({ ref }) => ref === 'refs/tags/v1').length === 2, { within: 30_000 });
      const tags = (await released(name)).filter(({ ref }) => ref === 'refs/tags/v1');
      expect(tags.map(({ revision }) => revision).sort()).toEqual([first, second].sort());
      const kept = await on.administrator.getReleaseByNumber({
        params: { project: name, number: Math.min(...tags.map(({ number }) => number)) },
      });
      expect(kept.release.revision).toBe(first);
      return 'two releases of one tag, each of its own commit';
    },
  );

  attack(
    'G16',
    {
      input: 'a webhook and the poll see the same commit at once, twelve times',
      expected: 'one release, or one fold, for each commit',
      within: 120_000,
    },
    async (on) => {
      const name = `attack-${v7().slice(-8)}`;
      await keepSecret(on, 'source-watcher', name, 'webhook', 'secret-of-g16');
      const project = await aProject(on, { build: { docker: {}, supersede: 'never' } }, name);
      await project.apply({ source: { git: { url: project.repository.url, poll: '1s', webhook: 'github' } } });
      const deliver = async (body: string, secret = 'secret-of-g16') =>
        (await call(on, `/webhooks/github/${name}`, { method: 'POST', body, headers: signedAsGitHub(body, secret) })).status;
      await eventually(async () => expect(await deliver('{}', 'wrong')).toBe(401));
      const heads: string[] = [];
      const statuses: number[] = [];
      for (let at = 0; at < 12; at++) {
        await project.repository.commit(`page ${at}`);
        const head = await git(project.repository.dir, 'rev-parse', 'HEAD');
        heads.push(head);
        const body = JSON.stringify({
          ref: 'refs/heads/main',
          after: head,
          pusher: { name: 'ann' },
          repository: {},
          commits: [{ id: head }],
        });
        statuses.push(...(await Promise.all([deliver(body), deliver(body)])));
      }
      await eventually(() => heads.every((head) => outcomes(name).some(({ value }) => String(value).includes(head))), { within: 60_000 });
      const numbers = (await released(name)).map(({ revision }) => revision);
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(statuses.filter((status) => status !== 200 && status !== 202)).toEqual([]);
      expect(statuses.filter((status) => status === 202).length).toBeGreaterThanOrEqual(heads.length);
      await project.drop();
      return `${heads.length} commits, ${numbers.length} releases, none twice`;
    },
  );

  attack(
    'G59',
    {
      input: 'slipway.yaml as a link, as a folder, 1 MB long, binary, with aliases that multiply, with what only the project may say',
      expected: 'each commit has its outcome with the reason, and the next good one is released',
      within: 120_000,
    },
    async () => {
      const repository = await place.repository();
      await repository.commit({ Dockerfile: 'FROM scratch\nCOPY a /\n', a: '1' }, 'good');
      const name = `attack-${v7().slice(-8)}`;
      await apply(name, gitOf(repository.source.url));
      await eventually(async () => (await released(name)).length === 1, { within: 30_000 });
      const bomb = `a: &a [x,x,x,x,x,x,x,x]\n${'bcdefgh'
        .split('')
        .map((c, at) => `${c}: &${c} [${Array(8).fill(`*${'abcdefg'[at]}`)}]`)
        .join('\n')}\n`;
      const files: [string, Parameters<typeof repository.commit>[0]][] = [
        ['a link', { 'slipway.yaml': { link: '/etc/passwd' } }],
        ['1 MB', { 'slipway.yaml': null }],
        ['1 MB', { 'slipway.yaml': `# ${'x'.repeat(1_000_000)}\n` }],
        ['binary', { 'slipway.yaml': Buffer.from([0, 255, 254, 0, 1]) }],
        ['aliases', { 'slipway.yaml': bomb }],
        ['policy', { 'slipway.yaml': 'apiVersion: slipway.dev/v1\nkind: Repository\nspec:\n  approval: {require: []}\n' }],
        ['good', { 'slipway.yaml': null, a: '2' }],
      ];
      for (const [what, change] of files) {
        const revision = await repository.commit(change, what);
        await eventually(() => outcomes(name).some(({ value }) => String(value).includes(revision)), { within: 30_000 });
      }
      const said = outcomes(name).map(({ headers, value }) => `${headers['ce_type']} ${JSON.parse(String(value)).reason?.code ?? ''}`);
      const last = (await released(name))[0];
      expect(last?.revision).toBe(await git(repository.work, 'rev-parse', 'HEAD'));
      expect(said.filter((each) => each.includes('commit.ignored')).length).toBeGreaterThanOrEqual(4);
      return said.map((each) => each.replace('slipway.commit.', '')).join(', ');
    },
  );

  attack(
    'G63',
    {
      input: 'eight sources whose servers never answer, send on for ever or list refs without end, polled every second',
      expected: 'another project sees its commit as soon as ever',
      within: 120_000,
    },
    async (on) => {
      const good = await aProject(on);
      await eventually(async () => (await released(good.name)).length === 1, { within: 30_000 });
      const server = await place.serve((request, response) => {
        if (request.url?.startsWith('/silent')) return;
        response.writeHead(302, { location: `${request.url?.replace('/info/', 'x/info/')}` }).end();
      });
      const bad = Array.from({ length: 8 }, (_, at) => ({
        name: `attack-${v7().slice(-8)}`,
        url: `${server.url}/${at % 2 ? 'silent' : 'loop'}${at}.git`,
      }));
      for (const { name, url } of bad) await apply(name, gitOf(url));
      await eventually(() => server.asked.length >= 8, { within: 30_000 });
      const began = performance.now();
      await good.repository.commit('two');
      await eventually(async () => (await released(good.name)).length === 2, { within: 30_000 });
      const took = Math.round(performance.now() - began);
      expect(took).toBeLessThan(15_000);
      for (const { name } of bad) await apply(name, gitOf('file:///nowhere', { poll: '1h' }));
      await good.drop();
      return `${took} ms from commit to release`;
    },
  );
});
