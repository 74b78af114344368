import { commitAt, instancesIn, waitForInstances } from '../containers.ts';
import { addressOf, type Demo, NotSeen, releaseOf, type Step, step } from '../demo.ts';
import { allTold, answeredBy, lapOf, noneFailed } from '../under-load.ts';
import { waitFor } from '../watch.ts';

/** What an operator does with a release that is live: scale it, lose a container, go back. */
export const operating: Step[] = [
  step({
    title: 'It is scaled from 2 to 4',
    run: async (demo) => {
      await demo.cast.omar.api.scale({ params: production(demo), body: { instances: 4, reason: 'Friday evening' } });
    },
    check: async (demo) => {
      await waitForInstances(demo, 'production', { seen: releaseOf(demo, 4), commit: 4, count: 4 });
      return `4 containers by docker inspect; ${noneFailed(demo)}`;
    },
  }),
  step({
    title: 'A container is killed and comes back',
    run: async (demo) => {
      const [victim] = await instancesIn(demo, 'production');
      if (victim === undefined) throw new NotSeen('there is no container to kill');
      noneFailed(demo);
      await demo.docker.call('POST', `/containers/${victim.id}/kill?signal=SIGKILL`);
      await waitFor(
        demo,
        `${victim.name} to be gone`,
        async () =>
          !(await instancesIn(demo, 'production')).some(({ id, startedAt }) => id === victim.id && startedAt === victim.startedAt),
        15_000,
      );
      return victim;
    },
    check: async (demo, killed) => {
      const instances = await waitForInstances(demo, 'production', { seen: releaseOf(demo, 4), commit: 4, count: 4 });
      const back = instances.find(({ id }) => id === killed.id) === undefined ? 'a new container took its place' : 'it was started again';
      // What it had taken and not answered is lost with it: told, not judged. From here on nothing may be.
      const { answered, failed } = lapOf(demo);
      await answeredBy(demo, '4');
      return `${killed.name} was killed; ${back}; ${answered} requests answered meanwhile, ${failed} cut off; then ${noneFailed(demo)}`;
    },
  }),
  step({
    title: 'Rollback brings commit 1 back and bars commit 4',
    run: async (demo) => {
      noneFailed(demo);
      await demo.cast.omar.api.rollback({ params: production(demo), body: { reason: 'Customers see yesterday’s prices', to: null } });
    },
    check: async (demo) => {
      await waitForInstances(demo, 'production', { seen: releaseOf(demo, 1), commit: 1, count: 4 });
      const shown = await commitAt(addressOf(demo, 'production'));
      if (shown !== '1') throw new NotSeen(`production shows commit ${shown}`);
      const { number } = releaseOf(demo, 4);
      await waitFor(
        demo,
        `release ${number} to be barred from production`,
        async () => {
          const view = await demo.cast.omar.api.getEnvironment({ params: production(demo) });
          return view.barred.includes(number) && view.running?.release.id === releaseOf(demo, 1).id;
        },
        30_000,
      );
      await answeredBy(demo, '1');
      const shownTo = `${addressOf(demo, 'production')} shows commit 1; release ${number} is barred from production; the count set by scale stays`;
      const all = await allTold(demo);
      return `${shownTo}\n${noneFailed(demo)}; ${all}`;
    },
  }),
];

function production(demo: Demo): { project: string; environment: string } {
  return { project: demo.names.project, environment: 'production' };
}
