import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailed, ImageBuilt } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { GitPlace } from './git-place.ts';
import { type AttackedProject, aProject, aProjectFileOf, call, keepSecret, signedAsGitHub } from './world.ts';

let ear: Ear;
let place: GitPlace;
let shop: AttackedProject & { drop(): Promise<void> };

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  place = await GitPlace.make();
  shop = await aProject(on);
  await shop.request(1);
}, 120_000);
afterAll(async () => {
  await shop?.drop();
  await place?.drop();
  await ear?.close();
});

describe('What one project may do to another', () => {
  attack(
    'B51',
    {
      input: 'a project whose build begins processes without end, while another one commits; then the same project, mended',
      expected: 'the build fails by its limit, which is named; the other one is built meanwhile, and the mended one afterwards',
      within: 180_000,
    },
    async (on) => {
      const name = `attack-${v7().slice(-8)}`;
      const repository = await place.repository();
      await copyFile('/bin/busybox', join(repository.work, 'busybox'));
      const dockerfile = (step: string) =>
        `FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nRUN ["/bin/sh","-c","${step}"]\n`;
      const bomb = 'bomb() { bomb | bomb & }; /bin/busybox sleep 1; (bomb); exec /bin/busybox sleep 600';
      await repository.commit({ Dockerfile: dockerfile(bomb) }, 'a bomb');
      const file = aProjectFileOf(name, repository.source.url, { source: { git: { url: repository.source.url, poll: '1s' } } });
      const begun = performance.now();
      await on.administrator.applyProject({ params: { name }, body: file, query: { reason: 'an attack' } });
      const beside = await shop.repository.commit(`beside a bomb ${v7()}`);
      const { reason, step } = await ear.hears(BuildFailed, ({ release }) => release.project === name, 90_000);
      const seconds = (performance.now() - begun) / 1000;
      expect([reason.code, reason.message]).toEqual(['processes-limit', expect.stringContaining('it may have 256')]);
      await ear.hears(ImageBuilt, ({ release }) => release.revision === beside, 60_000);
      await repository.commit({ Dockerfile: dockerfile('/bin/busybox true') }, 'mended');
      await ear.hears(ImageBuilt, ({ release }) => release.project === name, 60_000);
      return `${reason.code} after ${seconds.toFixed(0)} s${step === null ? '' : ` at ${step}`}; the others were built`;
    },
  );

  attack(
    'W67',
    {
      input:
        'webhooks across projects: one’s own secret at another’s address; the id of another’s delivery used up at one’s own; a right signature at the addresses of other providers; a delivery for a project that was removed',
      expected: '401 or 404; an id used up elsewhere keeps no delivery away; nothing is released by any',
    },
    async (on) => {
      const secrets = { mine: v7(), theirs: v7() };
      const projects: Record<string, AttackedProject & { drop(): Promise<void> }> = {};
      for (const [whose, secret] of Object.entries(secrets)) {
        const name = `attack-${v7().slice(-8)}`;
        await keepSecret(on, 'source-watcher', name, 'webhook', secret);
        const made = await aProject(on, {}, name);
        projects[whose] = made;
        await made.request(1);
        await made.apply({ source: { git: { url: made.repository.url, poll: '1h', webhook: 'github' } } });
      }
      const { mine, theirs } = projects as {
        mine: AttackedProject & { drop(): Promise<void> };
        theirs: AttackedProject & { drop(): Promise<void> };
      };
      const post = async (to: string, body: string, secret: string, delivery: string) =>
        (await call(on, `/webhooks/${to}`, { method: 'POST', body, headers: signedAsGitHub(body, secret, delivery) })).status;
      const push = () => JSON.stringify({ ref: 'refs/heads/main', after: v7().replaceAll('-', '').padEnd(40, '0') });
      const at = (name: string, provider = 'github') => `${provider}/${name}`;
      const releases = async (of: AttackedProject) => (await on.administrator.listReleases({ query: { project: of.name } })).items.length;
      try {
        // Until the new way of both is known.
        for (const each of [mine, theirs]) await eventually(async () => expect(await post(at(each.name), '{}', 'wrong', v7())).toBe(401));
        await theirs.repository.commit(`new ${v7()}`);
        const id = v7();
        const used = [await post(at(theirs.name), push(), secrets.mine, id), await post(at(mine.name), push(), secrets.mine, id)];
        expect(used).toEqual([401, 202]);
        const others = ['gitlab', 'gitea', 'bitbucket', 'GITHUB', 'github%2f..%2fgitlab', 'x'];
        const elsewhere: number[] = [];
        for (const provider of others) elsewhere.push(await post(at(theirs.name, provider), push(), secrets.theirs, v7()));
        expect(
          elsewhere.filter((status) => status !== 401 && status !== 404),
          elsewhere.join(' '),
        ).toEqual([]);
        expect(await releases(theirs)).toBe(1);
        expect(await post(at(theirs.name), push(), secrets.theirs, id)).toBe(202);
        await eventually(async () => expect(await releases(theirs)).toBe(2), { within: 20_000 });
        await on.administrator.removeProject({ params: { name: mine.name } });
        await mine.repository.commit(`too late ${v7()}`);
        const gone = await eventually(async () => {
          const status = await post(at(mine.name), push(), secrets.mine, v7());
          return status > 299 && status;
        });
        expect([401, 404]).toContain(gone);
        return `401; ${elsewhere.join(', ')} elsewhere; then 202 and one release; ${gone} once removed`;
      } finally {
        for (const each of Object.values(projects)) await each.drop();
      }
    },
  );
});
