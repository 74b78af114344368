import { waitForInstances } from '../containers.ts';
import { approve, approveInKafka } from '../deciding.ts';
import { addressOf, NotSeen, releaseOf, type Step, step } from '../demo.ts';
import { get } from '../load.ts';
import { sellingPoint } from '../sample/shop.ts';
import { detailOf, waitForEvent, waitForRelease } from '../watch.ts';
import { imageInRegistry } from './pushing.ts';

/** The way of the first commit to production: build, test, two sign-offs, pre-release, one more sign-off, production. */
export const firstCommit: Step[] = [
  step({
    title: 'Commit 1 becomes an image',
    run: async (demo) => {
      // The first commit was made before the project was applied: a first registration takes the current head once.
      await waitForRelease(demo, 1, demo.releases.get(1)?.revision ?? '');
      await imageInRegistry(demo, 1);
    },
    check: async (demo) => {
      const { number, digest } = releaseOf(demo, 1);
      return `release ${number}: ${demo.names.repository}@${digest.slice(0, 19)}… answers in the registry`;
    },
  }),
  step({
    title: 'It runs in the test environment and is verified',
    run: async (demo) => {
      await waitForEvent(demo, releaseOf(demo, 1), 'verification.passed');
    },
    check: async (demo) => {
      await waitForInstances(demo, 'test', { seen: releaseOf(demo, 1), commit: 1, count: 1 });
      const page = await get(addressOf(demo, 'test'));
      if (!page.includes(sellingPoint)) throw new NotSeen('the test environment shows another page than that of commit 1');
      return `${addressOf(demo, 'test')} shows commit 1; 1 container of that digest by docker inspect`;
    },
  }),
  step({
    title: 'Tester and operator sign it off for pre-release',
    run: async (demo) => {
      await approve(demo, demo.cast.tess, 1, 'pre-release');
      await approve(demo, demo.cast.omar, 1, 'pre-release');
    },
    check: async (demo) => {
      const detail = await waitForEvent(demo, releaseOf(demo, 1), 'approval.granted', 'pre-release');
      return `granted after ${detail.timeline.filter((entry) => entry.event === 'sign-off.accepted').length} sign-offs`;
    },
  }),
  step({
    title: 'It goes to pre-release',
    run: async (demo) => {
      await waitForEvent(demo, releaseOf(demo, 1), 'rollout.succeeded', 'pre-release');
    },
    check: async (demo) => {
      await waitForInstances(demo, 'pre-release', { seen: releaseOf(demo, 1), commit: 1, count: 1 });
      return `${addressOf(demo, 'pre-release')} answers`;
    },
  }),
  step({
    title: 'The operator signs production off in Kafka, with his own key',
    run: (demo) => approveInKafka(demo, demo.cast.omar, 1, 'production'),
    check: async (demo) => {
      await waitForEvent(demo, releaseOf(demo, 1), 'approval.granted', 'production');
      return 'the gateway had no part in it';
    },
  }),
  step({
    title: 'It goes to production, two instances',
    run: async (demo) => {
      await waitForEvent(demo, releaseOf(demo, 1), 'rollout.succeeded', 'production');
    },
    check: async (demo) => {
      const instances = await waitForInstances(demo, 'production', { seen: releaseOf(demo, 1), commit: 1, count: 2 });
      const { waitingFor } = await detailOf(demo, releaseOf(demo, 1));
      const other = waitingFor.filter(({ code, environment }) => code !== 'live' || environment !== 'production');
      if (other.length > 0) throw new NotSeen(`release 1 is live and still waits for ${other.map(({ en }) => en).join('; ')}`);
      return `${addressOf(demo, 'production')} answers; ${instances.map(({ name }) => name).join(' and ')} run the digest that was tested`;
    },
  }),
];
