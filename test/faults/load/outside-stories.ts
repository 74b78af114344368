import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ApprovalGranted,
  BuildFailed,
  CommitDetected,
  CommitIgnored,
  DeploymentFailed,
  ImageRemoved,
  ImageRetired,
  PartAway,
  PartBack,
  ReleaseWithdrawn,
  RolloutAborted,
  TargetApplied,
} from '@slipway/contracts';
import { schemaOf } from '@slipway/postgres';
import { realParts, TcpProxy } from '@slipway/testkit';
import pg from 'pg';
import { v7 } from 'uuid';
import { until } from '../../../tools/parts/until.ts';
import { notifyCommit, send } from './forge.ts';
import { type Lane, stepMs } from './lane.ts';
import type { Story } from './stories.ts';
import { SubversionFolder } from './subversion-folder.ts';

const reason = 'to see it arrive all the same';

/** What sources, targets and time bring seldom. */
export const outsideStories: readonly Story[] = [
  {
    name: 'a commit has a file nobody can read, and the next is mended',
    tell: async (lane) => {
      await lane.repository.write('slipway.yaml', 'no such key: of this\n');
      const revision = await lane.push();
      await lane.hears(CommitIgnored, (data) => data.project === lane.project && data.revision === revision);
      await rm(join(lane.repository.dir, 'slipway.yaml'));
      await lane.goesLive(await lane.commit());
    },
  },
  { name: 'the hook of a Subversion repository tells of a commit', tell: toldByAHook },
  { name: 'a target is away: a release waits for it, and a rollout that waits is called off', tell: farAway },
  { name: 'an image is needed no longer, and is removed', tell: outlivesItsUse },
];

/** Of commits nobody can build: each is at its end soon. Polled once an hour, it is the hook that tells of them. */
async function toldByAHook(lane: Lane): Promise<void> {
  const { suite, urls } = lane;
  const project = `svn-${v7().slice(-8)}`;
  const folder = join(await suite.dataDir.folder('subversion'), project);
  const repository = await SubversionFolder.make(folder);
  suite.repositories.push({ project, folder, system: 'svn' });
  await suite.apply(project, { source: { svn: { url: repository.url, branches: ['trunk'], poll: '1h' } } });
  await lane.hears(CommitDetected, ({ release }) => release.project === project);
  const revision = await repository.commit();
  const hook = notifyCommit(repository.uuid, revision);
  let turn = 0;
  await until('the hook is taken', async () => (await send(urls[turn++ % urls.length] as string, hook)) === 200, {
    within: stepMs,
    every: 300,
  });
  await lane.hears(BuildFailed, ({ release }) => release.project === project && release.revision === revision);
  await lane.removes(project, []);
}

async function farAway(lane: Lane): Promise<void> {
  const way = await TcpProxy.to({ path: realParts().dockerSocket });
  try {
    const target = `far-${v7().slice(-8)}`;
    const file = lane.targetOf(target);
    const body = { ...file, spec: { docker: { ...file.spec.docker, host: `tcp://127.0.0.1:${way.port}` } } };
    const applied = lane.hears(TargetApplied, (data) => data.target === target);
    await lane.administrator.insist('applying a target', (api) => api.applyTarget({ params: { name: target }, body }), applied);
    way.refuse();
    const other = await lane.opens({ target });
    const { id } = (await lane.hears(CommitDetected, ({ release }) => release.project === other)).release;
    await lane.hears(PartAway, ({ release }) => release === id);
    way.restore();
    await lane.hears(PartBack, ({ release }) => release === id);
    const { request } = await lane.asked(id);
    way.refuse();
    await lane.signs(request, 'approve');
    await lane.of(ApprovalGranted, id);
    const withdrawn = lane.of(ReleaseWithdrawn, id);
    await lane.operator.insist('withdrawing', (api) => api.withdrawRelease({ params: { id }, body: { reason } }), withdrawn);
    await lane.of(RolloutAborted, id);
    way.restore();
    await lane.removes(other, ['test', 'extra']);
  } finally {
    await way.close();
  }
}

/** What never ran anywhere is over once a newer one came; half a year passes in the tables. */
async function outlivesItsUse(lane: Lane): Promise<void> {
  let old = '';
  await lane.builtBy('FROM scratch\nCOPY site /site\nENTRYPOINT ["/nothing-there"]\n', async () => {
    old = await lane.commit();
    await lane.of(DeploymentFailed, old);
  });
  await lane.goesLive(await lane.commit());
  const ages = "update %s.release set born_at = born_at - interval '200 days', changed_at = changed_at - interval '200 days' where id = $1";
  const client = new pg.Client({ connectionString: lane.suite.databaseUrl });
  await client.connect();
  try {
    await client.query(ages.replace('%s', schemaOf('gateway')), [old]);
  } finally {
    await client.end();
  }
  const isOld = ({ releases }: { releases: readonly { id: string }[] }) => releases.some(({ id }) => id === old);
  await lane.hears(ImageRetired, isOld);
  await lane.hears(ImageRemoved, (data) => isOld(data) && data.refused === null);
}
