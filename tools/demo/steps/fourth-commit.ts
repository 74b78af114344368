import { waitForInstances } from '../containers.ts';
import { approve, tryInVain } from '../deciding.ts';
import { addressOf, NotSeen, releaseOf, type Step, step } from '../demo.ts';
import { startLoad } from '../load.ts';
import { commitOnPage } from '../sample/shop.ts';
import { answeredBy, noneFailed } from '../under-load.ts';
import { waitForEvent, waitForRequest } from '../watch.ts';
import { imageInRegistry, push } from './pushing.ts';

/** Commit 4: its author may not sign it off; the others do, and it goes live under load. */
export const fourthCommit: Step[] = [
  step({
    title: 'Commit 4: its author, a tester too, may not sign it off',
    run: async (demo) => {
      await push(demo, demo.cast.theo, { commit: 4, message: 'Show the prices' });
      await imageInRegistry(demo, 4);
      await waitForEvent(demo, releaseOf(demo, 4), 'verification.passed');
      return tryInVain(demo, demo.cast.theo, 4, 'pre-release');
    },
    check: async (demo, refusal) => {
      const request = await waitForRequest(demo, releaseOf(demo, 4), 'pre-release');
      if (request.signOffs.length > 0) throw new NotSeen('a sign-off counts that should not');
      return `${demo.cast.theo.name} was told: ${refusal}`;
    },
  }),
  step({
    title: 'The others sign; it goes live while clients keep asking',
    run: async (demo) => {
      await approve(demo, demo.cast.tess, 4, 'pre-release');
      await approve(demo, demo.cast.omar, 4, 'pre-release');
      await waitForEvent(demo, releaseOf(demo, 4), 'rollout.succeeded', 'pre-release');
      const load = startLoad(addressOf(demo, 'production'), commitOnPage);
      demo.load = load;
      demo.cleanup.defer('stop the clients', () => load.stop());
      await answeredBy(demo, '1');
      await approve(demo, demo.cast.omar, 4, 'production');
      await waitForEvent(demo, releaseOf(demo, 4), 'rollout.succeeded', 'production');
    },
    check: async (demo) => {
      await waitForInstances(demo, 'production', { seen: releaseOf(demo, 4), commit: 4, count: 2 });
      await answeredBy(demo, '4');
      return noneFailed(demo);
    },
  }),
];
