import { join } from 'node:path';
import { ApiError } from '@slipway/api';
import { environmentKey } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { DockerOrchestrator } from '@slipway/orchestrators';
import { eventually, realParts } from '@slipway/testkit';
import { afterAll } from 'vitest';
import { type Attacked, attacked } from './attacked.ts';

type Projects = Awaited<ReturnType<Attacked['administrator']['listProjects']>>['items'];

/** After each file its projects and all they run are removed: every environment is a network, and a Docker Engine has addresses for some thirty unless it is told otherwise. */
afterAll(async () => {
  const on = attacked();
  const { items } = await on.administrator.listProjects({});
  for (const { name } of items) await removeProject(on, name);
  await takeDown(on, items);
}, 120_000);

/** What production runs outlives its project, and is healed; not so where its release was withdrawn. */
async function removeProject({ administrator }: Attacked, name: string): Promise<void> {
  const { items } = await administrator.listEnvironments({ params: { project: name } });
  const there = items.filter(({ stage }) => stage !== 'test').flatMap(({ running, rolling }) => [running, rolling]);
  const releases = new Set(there.flatMap((each) => each?.release.id ?? []));
  for (const id of releases) {
    const withdrawal = administrator.withdrawRelease({ params: { id }, body: { reason: 'the attack is over' } });
    await withdrawal.catch((error: unknown) => {
      if (!(error instanceof ApiError && error.problem.code === 'withdrawn')) throw error;
    });
  }
  await administrator.removeProject({ params: { name } });
}

/** Test environments go with their project; the others are taken down here. */
async function takeDown({ dataDir, target, installation }: Attacked, projects: Projects): Promise<void> {
  const engine = DockerEngine.connect(realParts().dockerHost);
  const orchestrator = new DockerOrchestrator({ engine, dataDir: join(dataDir, 'targets', target), installation });
  const ofTests = new Set(
    projects.flatMap(({ name, file }) =>
      file.spec.environments.filter(({ stage }) => stage === 'test').map((each) => environmentKey(name, each.name)),
    ),
  );
  await eventually(
    async () => {
      const places = await orchestrator.environments();
      const ours = places.filter(({ project, environment }) => !ofTests.has(environmentKey(project, environment)));
      for (const place of ours) await orchestrator.remove(place, { signal: AbortSignal.timeout(30_000), epoch: 1 });
      return places.length === 0;
    },
    { within: 90_000, every: 500 },
  );
}
