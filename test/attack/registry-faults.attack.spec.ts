import { BuildFailed, ImageBuilt, RolloutAborted, RolloutSucceeded } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { OciRegistry } from '@slipway/registry';
import { eventually, realParts } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { aFaultyRegistry, type FaultyRegistry } from './faulty-registry.ts';
import { type AttackedProject, aProject, joinAs, type Somebody } from './world.ts';

const [host = '', port = ''] = realParts().registry.split(':');
let door: FaultyRegistry;
let ear: Ear;
let otto: Somebody;
let engine: DockerEngine;
const projects: (AttackedProject & { drop(): Promise<void> })[] = [];

beforeAll(async () => {
  const on = attacked();
  door = await aFaultyRegistry(`${host === 'localhost' ? '127.0.0.1' : host}:${port}`);
  ear = await Ear.at(on.topicPrefix);
  otto = await joinAs(on, { roles: [{ role: 'operator', project: '*' }] });
  engine = DockerEngine.connect(realParts().dockerHost);
}, 60_000);
afterAll(async () => {
  for (const each of projects) await each.drop();
  await ear?.close();
  await door?.close();
});

async function aShop(): Promise<AttackedProject> {
  const name = `attack-${v7().slice(-8)}`;
  const shop = await aProject(attacked(), { image: { repository: `${door.host}/${name}` } }, name);
  projects.push(shop);
  return shop;
}

const releaseOf = async ({ name }: AttackedProject, number: number) =>
  (await attacked().administrator.getReleaseByNumber({ params: { project: name, number } })).release.id;

describe('A registry that fails', () => {
  attack(
    'R03',
    {
      input: 'a push cut half-way, answered with 500, with 429 and Retry-After, with 401 in the middle of it',
      expected: 'tried again until it is there: one manifest for the release, which goes to test',
      within: 180_000,
      provenBy: [
        { file: 'libs/registry/src/oci-registry.spec.ts', test: 'waits as long as a 429 says, and rides out a moment of illness' },
      ],
    },
    async () => {
      door.next('500', 'cut half-way', '429', '401');
      const shop = await aShop();
      const built = await ear.hears(ImageBuilt, ({ release }) => release.project === shop.name, 150_000);
      await shop.request(1);
      expect(door.done).toHaveLength(4);
      expect(ear.all(BuildFailed).filter(({ release }) => release.project === shop.name)).toEqual([]);
      expect(new Set(ear.all(ImageBuilt).flatMap((each) => (each.release.project === shop.name ? [each.image.digest] : []))).size).toBe(1);
      const there = await new OciRegistry({ host: realParts().registry, insecure: true }).resolve(shop.name, built.image.digest);
      expect(there?.digest).toBe(built.image.digest);
      return `${door.done.join(', ')}; then one manifest`;
    },
  );

  attack(
    'R04',
    {
      input: 'the manifest of a tested release is deleted from the registry, and its image from the host, before its sign-off',
      expected: 'the rollout is not begun and says that the image is gone; what ran goes on; the next release is built and goes in',
      within: 180_000,
    },
    async () => {
      const shop = await aShop();
      const first = await ear.hears(ImageBuilt, ({ release }) => release.project === shop.name, 60_000);
      const sign = async (number: number) =>
        otto.api.signOff({ params: { id: await shop.request(number) }, body: { decision: 'approve' } });
      await sign(1);
      const live = await ear.hears(RolloutSucceeded, ({ release }) => release.id === first.release.id, 60_000);
      await shop.repository.commit('two');
      await shop.request(2);
      await shop.repository.commit('three');
      await shop.request(3);
      const second = await releaseOf(shop, 2);
      const { image } = await ear.hears(ImageBuilt, ({ release }) => release.id === second);
      const registry = new OciRegistry({ host: realParts().registry, insecure: true });
      expect(await registry.deleteManifest(shop.name, image.digest)).toBe(true);
      await eventually(async () => {
        await engine.images.remove(`${image.repository}@${image.digest}`, { force: true }).catch(() => undefined);
        return (await engine.images.inspect(`${image.repository}@${image.digest}`)) === undefined;
      });
      await sign(2);
      // Never begun: what runs is not touched for it.
      const aborted = await ear.hears(RolloutAborted, ({ release }) => release.id === second, 60_000);
      expect(aborted.reason.code).toBe('image-not-found');
      expect(await (await fetch(live.address)).text()).toBe('one');
      await sign(3);
      await ear.hears(RolloutSucceeded, ({ release }) => release.project === shop.name && release.number === 3, 60_000);
      expect(await (await fetch(live.address)).text()).toBe('three');
      return `${aborted.reason.code}; the first release ran on, the third went in`;
    },
  );

  attack(
    'W26',
    {
      input:
        'what the suite calls outside is sent on to an address inside: the webhook of notifier, a registry, a Git or Subversion server',
      expected:
        'no redirect is followed, and no answer is shown but its status. Addresses of channels are set by whoever runs the suite, never in a project file, so that none is judged by its text; those in a project file are its administrators’',
      provenBy: [
        { file: 'apps/notifier/src/adapters/signed-hook.int.spec.ts', test: 'sends it nowhere else by %s' },
        { file: 'libs/registry/src/oci-registry.spec.ts', test: 'reads no answer without end, follows no redirect' },
        {
          file: 'libs/source-control/src/git/git-hostile.int.spec.ts',
          test: 'asks no other server that it is sent on to, with or without credentials',
        },
      ],
    },
    async () => 'proven by the ordinary tests; G50 and G62 send Git and Subversion on',
  );

  attack(
    'R06',
    {
      input: 'provenance that is missing, signed by somebody else, of another digest, or no provenance at all',
      expected:
        'refused with the reason, in test and again before production. Who built, and from what, is in what the key of image-builder signs: nobody else can say it',
      provenBy: [
        {
          file: 'apps/test-deployer/src/test-deployer.int.spec.ts',
          test: 'deploys nothing whose provenance is not signed by image-builder',
        },
        {
          file: 'apps/production-rollout/src/production-rollout.int.spec.ts',
          test: 'begins nothing by a forged grant, an unproven image, a release that did not pass',
        },
        { file: 'libs/identity/src/proofs.spec.ts', test: 'provenance' },
      ],
    },
    async () => 'proven by the ordinary tests, on a real engine and a real broker',
  );
});
