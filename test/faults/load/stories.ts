import {
  ApprovalRejected,
  BuildCancelled,
  BuildFailed,
  BuildStarted,
  EnvironmentHeld,
  EnvironmentScaled,
  EnvironmentUnheld,
  ReleaseWithdrawn,
  RolloutRolledBack,
  VerificationFailed,
} from '@slipway/contracts';
import type { Lane } from './lane.ts';
import { moreStories } from './more-stories.ts';
import { newsOf } from './news.ts';
import { outsideStories } from './outside-stories.ts';
import { peopleStories } from './people-stories.ts';
import { rareStories } from './rare-stories.ts';

/** One way a release can go, and what people do for it. It is told to its end, whatever crashes meanwhile, or the story throws. */
export interface Story {
  readonly name: string;
  tell(lane: Lane): Promise<void>;
}

const reason = 'to see it arrive all the same';
const environment = (lane: Lane, name: string) => ({ project: lane.project, environment: name });

export const stories: readonly Story[] = [
  { name: 'a release goes live', tell: async (lane) => lane.goesLive(await lane.commit()) },
  {
    name: 'a forge tells of a push, and tells it again',
    tell: async (lane) => {
      const revision = await lane.push();
      await Promise.all([lane.told(revision), lane.told(revision)]);
      const id = await lane.born(revision);
      await lane.told(revision);
      await lane.goesLive(id);
    },
  },
  {
    name: 'a release is rejected and asked for again',
    tell: async (lane) => {
      const id = await lane.commit();
      const { request } = await lane.asked(id);
      await lane.signs(request, 'reject', 'not like this');
      await lane.of(ApprovalRejected, id);
      const asked = lane.asked(id, [request]);
      await lane.operator.insist(
        'asking again',
        (api) => api.askAgain({ params: { id }, body: { environment: 'production', reason } }),
        asked,
      );
      await lane.goesLive(id, [request]);
    },
  },
  {
    name: 'a build fails, and the next is mended',
    tell: async (lane) => {
      await lane.builtBy('FROM scratch\nCOPY nothing-there /\n', async () => void (await lane.of(BuildFailed, await lane.commit())));
      await lane.goesLive(await lane.commit());
    },
  },
  {
    name: 'a verification fails, is tried again, and the next is mended',
    tell: async (lane) => {
      const id = await lane.commit('nothing to be seen');
      const { deployment } = await lane.of(VerificationFailed, id);
      const failed = lane.hears(VerificationFailed, (data) => data.release.id === id && data.deployment !== deployment);
      await lane.operator.insist('trying again', (api) => api.retryRelease({ params: { id }, body: { reason } }), failed);
      await lane.goesLive(await lane.commit());
    },
  },
  {
    name: 'a rollout fails and is taken back',
    tell: async (lane) => {
      await lane.unhealthy(async () => {
        const id = await lane.commit();
        await lane.signs((await lane.asked(id)).request, 'approve');
        await lane.hears(RolloutRolledBack, (data) => data.from?.id === id || data.release.id === id);
      });
      await lane.goesLive(await lane.commit());
    },
  },
  {
    name: 'a release is rolled back by a person',
    tell: async (lane) => {
      const id = await lane.commit();
      await lane.goesLive(id);
      const back = lane.hears(RolloutRolledBack, (data) => data.from?.id === id);
      const inProduction = environment(lane, 'production');
      await lane.operator.insist('rolling back', (api) => api.rollback({ params: inProduction, body: { reason, to: null } }), back);
    },
  },
  {
    name: 'a release is withdrawn',
    tell: async (lane) => {
      const id = await lane.commit();
      await lane.asked(id);
      const withdrawn = lane.of(ReleaseWithdrawn, id);
      await lane.operator.insist('withdrawing', (api) => api.withdrawRelease({ params: { id }, body: { reason } }), withdrawn);
    },
  },
  {
    name: 'a build is cancelled',
    tell: async (lane) => {
      await lane.builtBy(await lane.slowly(20), async () => {
        const id = await lane.commit();
        await lane.of(BuildStarted, id);
        const cancelled = lane.of(BuildCancelled, id);
        await lane.operator.insist('cancelling', (api) => api.cancelRelease({ params: { id }, body: { reason } }), cancelled);
      });
      await lane.goesLive(await lane.commit());
    },
  },
  {
    name: 'an environment is scaled and held by command',
    tell: async (lane) => {
      const hearsNew = newsOf(lane);
      const inProduction = environment(lane, 'production');
      const inTest = environment(lane, 'test');
      for (const instances of [1, null]) {
        const scaled = hearsNew(EnvironmentScaled);
        await lane.operator.insist('scaling', (api) => api.scale({ params: inProduction, body: { reason, instances } }), scaled);
      }
      const held = hearsNew(EnvironmentHeld);
      await lane.operator.insist('holding', (api) => api.hold({ params: inTest, body: { reason, until: null } }), held);
      const unheld = hearsNew(EnvironmentUnheld);
      await lane.operator.insist('letting go', (api) => api.unhold({ params: inTest, body: { reason } }), unheld);
      await lane.goesLive(await lane.commit());
    },
  },
  { name: 'an instance is lost and healed', tell: (lane) => lane.losesAnInstance() },
  ...moreStories,
  ...rareStories,
  ...peopleStories,
  ...outsideStories,
];
