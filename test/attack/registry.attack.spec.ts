import { RolloutSucceeded } from '@slipway/contracts';
import { realParts } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack, notYet } from './case.ts';
import { type AttackedProject, aProject, joinAs, type Somebody } from './world.ts';

const manifest = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json';
let shop: AttackedProject & { drop(): Promise<void> };
let otto: Somebody;
let ear: Ear;

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  shop = await aProject(on);
  otto = await joinAs(on, { name: 'Otto', roles: [{ role: 'operator', project: shop.name }] });
  await shop.request(1);
}, 120_000);
afterAll(async () => {
  await shop?.drop();
  await ear?.close();
});

const asked = (path: string, init: RequestInit = {}) =>
  fetch(`http://${realParts().registry}/v2/${shop.name}/${path}`, { ...init, headers: { accept: manifest, ...init.headers } });

describe('Registry', () => {
  attack(
    'R01',
    {
      input: 'every tag of a tested release is overwritten with another image before its sign-off',
      expected: 'what was tested and signed is what runs: the rollout names the digest',
    },
    async (on) => {
      await shop.repository.commit(`evil ${v7()}`);
      const second = await on.administrator.getApproval({ params: { id: await shop.request(2) } });
      const first = await on.administrator.getApproval({ params: { id: await shop.request(1) } });
      const evil = await asked(`manifests/${second.deployment.image.digest}`);
      const body = await evil.arrayBuffer();
      const headers = { 'content-type': evil.headers.get('content-type') as string };
      const { tags } = (await (await asked('tags/list')).json()) as { tags: string[] | null };
      for (const tag of tags ?? []) expect((await asked(`manifests/${tag}`, { method: 'PUT', body, headers })).status).toBe(201);
      await otto.api.signOff({ params: { id: first.request }, body: { decision: 'approve' } });
      const live = await ear.hears(RolloutSucceeded, ({ release }) => release.id === first.release.id, 60_000);
      expect(live.image.digest).toBe(first.deployment.image.digest);
      expect(await (await fetch(live.address)).text()).toBe('one');
      return `${tags?.length ?? 0} tags overwritten; ${live.image.digest.slice(0, 19)}… runs`;
    },
  );

  notYet('R07', {
    input: 'an image index that has another image for another platform',
    expected: 'the digest of the index and of the platform are both recorded',
    why: 'builds are of one platform and make no index, and releases of images that others push are refused by name (ADR 10)',
    issue: 6,
  });
});
