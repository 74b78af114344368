import { type DataOf, RolloutStarted, RolloutSucceeded, SignOffPosted } from '@slipway/contracts';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { answerTo, recordOf } from './forged.ts';
import { type AttackedProject, aProject, joinAs, type Somebody } from './world.ts';

let ear: Ear;
let shop: AttackedProject & { drop(): Promise<void> };
let otto: Somebody;

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  otto = await joinAs(on, { roles: [{ role: 'operator', project: '*' }] });
  const where = { target: 'lab', deadline: '120s' } as const;
  const approval = { require: [{ role: 'operator' as const }] };
  shop = await aProject(on, {
    environments: [
      { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200 }] },
      { name: 'pre-release', stage: 'pre-release', after: ['test'], ...where, approval },
      { name: 'production', stage: 'production', after: ['pre-release'], ...where, approval },
    ],
  });
}, 60_000);
afterAll(async () => {
  await shop?.drop();
  await ear?.close();
});

describe('A sign-off and what it is for', () => {
  attack(
    'A03',
    {
      input: 'sign off pre-release; deploy that to production by command, and post the same sign-off for the request into production',
      expected: 'production waits for its own: the command is refused, the sign-off is for another request',
      within: 120_000,
    },
    async (on) => {
      const first = await shop.request(1, 'pre-release');
      await otto.api.signOff({ params: { id: first }, body: { decision: 'approve' } });
      const { release } = await ear.hears(RolloutSucceeded, (data) => data.release.project === shop.name, 60_000);
      const second = await shop.request(1, 'production');
      const deploy = otto.api.deploy({
        params: { project: shop.name, environment: 'production' },
        body: { release: release.id, reason: 'it was signed off' },
      });
      const refused = await deploy.then(
        () => 'accepted',
        (error: { problem?: { status: number; code?: string } }) => `${error.problem?.status} ${error.problem?.code}`,
      );
      expect(refused).toMatch(/^4\d\d /);
      const posted = ear.all(SignOffPosted).find((data) => data.request === first) as DataOf<typeof SignOffPosted>;
      const again = recordOf(SignOffPosted, release.id, { ...posted, request: second }, { id: v7() });
      await ear.publish([again]);
      expect(await answerTo(ear, again.headers['ce_id'] as string)).toBe('other-request');
      const { signOffs } = await on.administrator.getApproval({ params: { id: second } });
      expect(signOffs).toEqual([]);
      const started = ear.all(RolloutStarted).filter((data) => data.release.id === release.id);
      expect(started.map(({ environment }) => environment)).toEqual(['pre-release']);
      return `${refused}; other-request; nothing in production`;
    },
  );
});
