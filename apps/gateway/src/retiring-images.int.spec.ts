import {
  type DataOf,
  ImageRemoved,
  ImageRetired,
  type Release,
  ReleaseWithdrawn,
  RepositoryFile,
  RolloutSucceeded,
} from '@slipway/contracts';
import { advisoryNumber, Database, schemaOf, type Tx } from '@slipway/postgres';
import { aDigest, anId, aProjectFile, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aScene, imageOf, problemOf, type Scene } from './gateway.fixture.js';
import { RetiringImages } from './retiring-images.js';

let scene: Scene;
const project = 'hats';
/**
 * 1: over for long. 2: over, and runs. 3: over, and shares its image with 4, which waits for sign-off. 5: over, and somebody asks for it. 6: over since
 * today. 7: over, and long ago somebody asked to go back to it and has no answer yet. 8 and 9: over, and named by a project file and by one in a repository. */
let releases: Release[];
const by = { id: anId(), name: 'Ada' };

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject(project);
  releases = [];
  for (let number = 1; number <= 9; number++) releases.push(await scene.aBuiltRelease(project, number));
  const shared = { repository: `localhost:5000/${project}`, digest: aDigest(at(3).id) };
  await scene.stage.database.query(
    `update ${schemaOf('gateway')}.release set state = jsonb_set(state::jsonb, '{image}', $2::jsonb)::json where id = $1`,
    [at(4).id, JSON.stringify(shared)],
  );
  await scene.aRequest(at(4));
  for (const number of [1, 2, 3, 5, 6, 7, 8, 9]) await withdraw(at(number));
  await rolledOut(at(2));
  const inside = ({ id }: Release) => ({ run: ['smoke'], image: `localhost:5000/${project}@${aDigest(id)}` });
  const file = { apiVersion: 'slipway.dev/v1', kind: 'Repository', verify: [inside(at(9))] };
  await scene.aBuiltRelease('shoes', 1, RepositoryFile.parse(file));
  await api().applyProject({
    params: { name: 'gloves' },
    body: aProjectFile({
      name: 'gloves',
      spec: { environments: [{ name: 'test', stage: 'test', target: 'lab', verify: [inside(at(8))] }] },
    }),
  });
  await scene.stage.database.query(
    `update ${schemaOf('gateway')}.release set born_at = born_at - interval '200 days', changed_at = changed_at - interval '200 days' where project = $1 and number <> 6`,
    [project],
  );
}, 60_000);
afterAll(() => scene?.stage.clear(), 30_000);

const at = (number: number) => releases[number - 1] as Release;
const pass = () => scene.gateway.app.get(RetiringImages).run(new AbortController().signal);
const api = () => scene.administrator.api;
const detail = (release: Release) => api().getRelease({ params: { id: release.id } });
const retired = () =>
  (scene.stage.heard.filter(({ name }) => name === ImageRetired.name).map(({ data }) => data) as DataOf<typeof ImageRetired>[])
    .flatMap((data) => data.releases.map(({ number }) => number))
    .toSorted((one, other) => one - other);

async function withdraw(release: Release): Promise<void> {
  await scene.stage.say('approval', ReleaseWithdrawn, { subject: release.id, data: { release, by, reason: 'old' } });
  await eventually(async () => (await detail(release)).state === 'withdrawn');
}

async function rolledOut(release: Release): Promise<void> {
  const data = {
    ...{ rollout: anId(), kind: 'rollout' as const, release, environment: 'production', stage: 'production' as const },
    ...{ grant: anId(), asks: 'c'.repeat(64), image: imageOf(release), address: 'http://hats', instances: 1, seconds: 1, leadSeconds: 1 },
  };
  await scene.stage.say('production-rollout', RolloutSucceeded, { subject: release.id, data });
  await eventually(async () => (await api().listEnvironments({ params: { project } })).items.some(({ running }) => running !== null));
}

/** A project whose checks run inside the image of a release. */
async function naming(name: string, release: Release): Promise<void> {
  const { repository, digest } = imageOf(release);
  const verify = [{ run: ['smoke'], image: `${repository}@${digest}` }];
  const environments = [{ name: 'test', stage: 'test' as const, target: 'lab', verify }];
  await api().applyProject({ params: { name }, body: aProjectFile({ name, spec: { environments } }) });
}

/** Retires as another replica would, with all its transaction holds; `queued` until so many have to wait for it, who then go on in the order they came. */
async function meanwhile<T>(act: (queued: (many: number) => Promise<unknown>, tx: Tx) => Promise<T>): Promise<T> {
  const { url, query } = scene.stage.database;
  const key = advisoryNumber(schemaOf('gateway'), 'image retention');
  const waiting = `select 1 from pg_locks where locktype = 'advisory' and not granted and (classid::bigint << 32) + objid::bigint = $1::bigint`;
  const other = await Database.connect({ url, schema: schemaOf('gateway'), applicationName: 'another replica' });
  try {
    return await other.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock($1)', [key]);
      return act((many) => eventually(async () => (await query(waiting, [key])).length === many), tx);
    });
  } finally {
    await other.close();
  }
}

describe('images that are needed no longer', () => {
  it('are said to be, once, and no command needs one any more; what runs, waits, is new or asked for stays', async () => {
    const goingBack = api().rollback({ params: { project, environment: 'production' }, body: { to: 7, reason: 'it was better' } });
    // Accepted or not: nobody knows yet what comes of it.
    const asking = problemOf(api().askAgain({ params: { id: at(5).id }, body: { environment: 'pre-release', reason: 'again' } }));
    await scene.answerCommand('approval', { reason: { code: 'no', message: 'not now' } });
    expect((await asking).code).toBe('no');
    const { query } = scene.stage.database;
    expect((await goingBack).state).toBe('pending');
    const asked = (kind: string, days: number) =>
      query(
        `update ${schemaOf('gateway')}.command set issued_at = now() - make_interval(days => $2) where issued -> 'action' ->> 'kind' = $1 returning 1`,
        [kind, days],
      );
    expect(await asked('approval.ask', 100)).toHaveLength(1);
    expect(await asked('environment.rollback', 300)).toHaveLength(1);
    const parked = `${schemaOf('gateway')}.parked`;
    await query(`insert into ${parked} values ('production-rollout', 'x', 'slipway.rollout.succeeded.v9', 'x', 'newer', '', '{}')`);
    await pass();
    await query(`delete from ${parked}`);
    const known = `select 1 from ${schemaOf('gateway')}.retired_release`;
    expect(await query(known)).toEqual([]);
    // A crash in the middle of it leaves nothing, said or written.
    await query(
      `create function ${schemaOf('gateway')}.crash() returns trigger language plpgsql as $$ begin raise exception 'crash'; end $$`,
    );
    await query(
      `create trigger crash after insert on ${schemaOf('gateway')}.retired_release for each row execute function ${schemaOf('gateway')}.crash()`,
    );
    await expect(pass()).rejects.toThrow('crash');
    await query(`drop trigger crash on ${schemaOf('gateway')}.retired_release`);
    expect(await query(`select 1 from ${schemaOf('gateway')}.outbox where headers ->> 'ce_type' like '%image.retired%'`)).toEqual([]);
    expect(await query(known)).toEqual([]);
    await pass();
    expect(await query(known)).toHaveLength(1);
    await pass();
    expect(await scene.stage.hears(ImageRetired)).toEqual({
      ...{ project, image: imageOf(at(1)), releases: [{ id: at(1).id, number: 1 }], rule: { days: 180, newest: 10 } },
    });
    const shown = await eventually(async () => {
      const found = await detail(at(1));
      return found.retired ? found : false;
    });
    expect(shown).toMatchObject({ state: 'withdrawn', retired: { removed: null, refused: null } });
    expect(shown.timeline.at(-1)).toMatchObject({ event: 'image.retired' });
    await pass();
    expect(retired()).toEqual([1]);
    const reason = 'again';
    for (const call of [
      () => api().askAgain({ params: { id: at(1).id }, body: { environment: 'pre-release', reason } }),
      () => api().retryRelease({ params: { id: at(1).id }, body: { reason } }),
      () => api().rollback({ params: { project, environment: 'production' }, body: { to: 1, reason } }),
      () => api().deploy({ params: { project, environment: 'test' }, body: { release: at(1).id, reason } }),
    ])
      expect(await problemOf(call())).toMatchObject({ status: 409, code: 'image-retired', detail: expect.stringContaining('release 1') });
  });

  it('stay where a file that names one is applied after they were looked for', async () => {
    await scene.aProject('caps');
    const release = await scene.aBuiltRelease('caps', 1);
    await withdraw(release);
    const { database } = scene.stage;
    await database.query(
      `update ${schemaOf('gateway')}.release set born_at = born_at - interval '200 days', changed_at = changed_at - interval '200 days' where id = $1`,
      [release.id],
    );
    const { over } = await meanwhile(async (queued) => {
      const applied = naming('socks', release);
      await queued(1);
      const passed = pass();
      await queued(2);
      return { over: Promise.all([applied, passed]) };
    });
    await over;
    expect(await database.query(`select 1 from ${schemaOf('gateway')}.retired_release where release = $1`, [release.id])).toEqual([]);
  });

  it('are named by no file that is applied while they are retired, nor after', async () => {
    const release = await scene.aBuiltRelease('shoes', 2);
    const { refused } = await meanwhile(async (queued, tx) => {
      const applied = problemOf(naming('gaiters', release));
      await queued(1);
      await tx.query('insert into retired_release (release) values ($1)', [release.id]);
      return { refused: applied };
    });
    for (const problem of [await refused, await problemOf(naming('gaiters', release))])
      expect(problem).toMatchObject({ status: 409, code: 'image-retired', detail: expect.stringContaining(imageOf(release).digest) });
    // One of its releases is kept, and its image with it.
    await scene.stage.database.query(
      `update ${schemaOf('gateway')}.release set state = jsonb_set(state::jsonb, '{image}', $2::jsonb)::json where id = $1`,
      [(await scene.aBuiltRelease('shoes', 3)).id, JSON.stringify(imageOf(release))],
    );
    await naming('gaiters', release);
  });

  it('that a registry does not remove are a warning of doctor until they are gone', async () => {
    const about = { project, image: imageOf(at(1)), releases: [{ id: at(1).id, number: 1 }] };
    const say = (refused: { code: string; message: string } | null) =>
      scene.stage.say('image-builder', ImageRemoved, { subject: project, data: { ...about, refused } });
    const warned = async () => (await api().status({})).warnings.filter(({ code }) => code === 'images-kept');
    await say({ code: 'delete-disabled', message: 'it deletes nothing' });
    await eventually(async () => (await detail(at(1))).retired?.refused === 'it deletes nothing');
    await pass();
    expect(await warned()).toMatchObject([{ message: expect.stringContaining('1 release: it deletes nothing') }]);
    await say(null);
    await eventually(async () => (await detail(at(1))).retired?.removed != null);
    await pass();
    expect(await warned()).toEqual([]);
  });

  it('are what the journal tells of them, after a fold of the ledger too', async () => {
    const command = await api().rebuildLedger({ body: { reason: 'to see' } });
    expect(command.state).not.toBe('refused');
    await eventually(
      async () =>
        (await scene.stage.database.query(`select 1 from ${schemaOf('gateway')}.operation where kind = 'ledger' and state = 'done'`))
          .length > 0,
    );
    expect((await detail(at(1))).retired).toMatchObject({ refused: null, removed: expect.any(String) });
  });
});
