import {
  CommandAccepted,
  CommandRefused,
  EnvironmentDrifted,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
} from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scene } from './scene.fixture.js';

let scene: Scene;
const schema = 'slipway_production_rollout';
const tables = ['environment', 'rollout'];

beforeAll(async () => {
  scene = await Scene.set('30000-30499');
});
afterAll(() => scene.clear());

const rows = (sql: string) => scene.stage.database.query<Record<string, string>>(sql);

async function backUp(name: string): Promise<void> {
  for (const table of tables) await rows(`drop table if exists public.${name}_${table}`);
  for (const table of tables)
    await rows(`create table public.${name}_${table} as select * from ${schema}.${table} where project = '${scene.project}'`);
}

/** What it knew of this project then, at once; whatever it was asked to do then is owed again. */
async function restore(name: string): Promise<void> {
  await rows(`do $$ begin
    delete from ${schema}.rollout where project = '${scene.project}';
    delete from ${schema}.environment where project = '${scene.project}';
    insert into ${schema}.environment select * from public.${name}_environment;
    insert into ${schema}.rollout select * from public.${name}_rollout;
    update ${schema}.operation set state = 'ready', due_at = now(), finished_at = null, progress = null
      where kind = 'rollout' and key in (select id::text from public.${name}_rollout where state in ('running', 'waiting'));
  end $$`);
}

const heard = <T extends { project: string }>(name: string) =>
  scene.stage.heard
    .flatMap((event) => (event.name === name ? [event.data as unknown as T] : []))
    .filter(({ project }) => project === scene.project);

describe('production-rollout with a database that was brought back, and is older than what runs', () => {
  it('takes nothing back by healing, says so, and goes on with what is signed for next', { timeout: 120_000 }, async () => {
    await scene.aProject('healed');
    await scene.live(1, 'one');
    await backUp('guarded');
    const second = await scene.live(2, 'two');
    const before = await scene.containers();
    await scene.whileStopped(() => restore('guarded'));
    const drifted = await eventually(
      () => heard<{ project: string; found: string[]; healing: boolean }>(EnvironmentDrifted.name)[0] ?? false,
      {
        within: 45_000,
      },
    );
    expect(drifted).toMatchObject({
      healing: false,
      found: [expect.stringContaining('brought by rollout 2 here, and the database knows of 1')],
    });
    expect(await scene.containers()).toEqual(before);
    expect(await (await fetch(second.address)).text()).toContain('two');
    const scale = await scene.command({ kind: 'environment.scale', ...scene.here(), instances: 3 });
    const refused = await scene.stage.hears(CommandRefused, ({ command }) => command === scale);
    expect(refused.reason).toMatchObject({ code: 'older-than-what-runs', message: expect.stringContaining('brought by rollout 2') });
    expect(await scene.containers()).toEqual(before);
    const third = await scene.live(3, 'one');
    expect(await (await fetch(third.address)).text()).toContain('one');
    // Its number is above all that ran here: only so the guard knows what is newer.
    expect(await rows(`select state ->> 'attempts' as n from ${schema}.environment where project = 'healed'`)).toEqual([{ n: '3' }]);
  });

  it('ends what was under way then where a later one has come since', { timeout: 120_000 }, async () => {
    await scene.aProject('outrun');
    await scene.live(1, 'one');
    const { release } = await scene.grant(2, 'two');
    await scene.stage.hears(RolloutStarted, (data) => data.release.id === release.id, 40_000);
    await backUp('driven');
    expect(await rows(`select state from public.driven_rollout where state = 'running'`)).toHaveLength(1);
    await scene.stage.hears(RolloutSucceeded, (data) => data.release.id === release.id, 40_000);
    const third = await scene.live(3, 'one');
    const before = await scene.containers();
    await restore('driven');
    const aborted = await scene.stage.hears(RolloutAborted, (data) => data.release.id === release.id, 40_000);
    expect(aborted.reason).toMatchObject({ code: 'older-than-what-runs', message: expect.stringContaining('brought by rollout 3 here') });
    expect(await scene.containers()).toEqual(before);
    expect(await (await fetch(third.address)).text()).toContain('one');
    const fourth = await scene.live(4, 'two');
    expect(await (await fetch(fourth.address)).text()).toContain('two');
  });

  it('begins nothing that people signed for before what runs came', { timeout: 120_000 }, async () => {
    await scene.aProject('signed');
    // What is there already is not made anew, so that one release after the other has another image.
    await scene.live(1, 'two');
    const { release, statement } = await scene.grant(2, 'two', { good: false });
    const waiting = () => rows(`select 1 as n from ${schema}.rollout where request = '${statement.request}' and state = 'waiting'`);
    await eventually(async () => (await waiting()).length === 1);
    // Of this one the database will know nothing, only that its grant is issued once more.
    const asked = await scene.grant(4, 'two', { good: false, said: false });
    await backUp('waited');
    const third = await scene.live(3, 'one');
    const before = await scene.containers();
    await rows(`insert into slipway_approval.grants_good_now values ('${statement.grant}', '${statement.request}', '${statement.asks}')`);
    await restore('waited');
    const isOlder = ({ release: of, reason }: { release: { id: string }; reason: { code: string } }) =>
      of.id === release.id && reason.code === 'older-than-what-runs';
    const aborted = await scene.stage.hears(RolloutAborted, isOlder, 40_000);
    expect(aborted.reason.message).toContain('by rollout 2, and the database knows of 1');
    expect(await scene.containers()).toEqual(before);
    expect(await (await fetch(third.address)).text()).toContain('one');
    const again = await scene.grant(4, 'two', { request: asked.statement.request });
    const anew = await scene.stage.hears(RolloutAborted, (data) => data.release.id === again.release.id, 40_000);
    expect(anew.reason.code).toBe('older-than-what-runs');
    expect(await scene.containers()).toEqual(before);
    const fifth = await scene.live(5, 'two');
    expect(await (await fetch(fifth.address)).text()).toContain('two');
  });

  it('goes back to nothing that somebody asked to go back to before what runs came', { timeout: 120_000 }, async () => {
    await scene.aProject('recalled');
    await scene.live(1, 'one');
    const { release } = await scene.grant(2, 'sick');
    await scene.stage.hears(RolloutStarted, (data) => data.release.id === release.id, 40_000);
    await scene.command({ kind: 'environment.rollback', ...scene.here(), to: null });
    const waiting = () => rows(`select 1 from ${schema}.rollout where project = 'recalled' and rollout ->> 'kind' = 'rollback'`);
    await eventually(async () => (await waiting()).length === 1);
    await backUp('asked');
    expect(await rows(`select state from public.asked_rollout where state in ('running', 'waiting')`)).toHaveLength(2);
    const ofIt = (data: { release: { project: string } }) => data.release.project === scene.project;
    await scene.stage.hears(RolloutRolledBack, (data) => ofIt(data) && data.by !== null, 60_000);
    const third = await scene.live(3, 'two');
    const before = await scene.containers();
    await restore('asked');
    const aborted = await scene.stage.hears(RolloutAborted, (data) => ofIt(data) && data.kind === 'rollback', 40_000);
    expect(aborted.reason.code).toBe('older-than-what-runs');
    expect(await scene.containers()).toEqual(before);
    expect(await (await fetch(third.address)).text()).toContain('two');
  });

  it('takes nothing back by itself when a rollout over what is not known fails', { timeout: 120_000 }, async () => {
    await scene.aProject('unknown');
    await scene.live(1, 'one');
    await backUp('failed');
    const second = await scene.live(2, 'two');
    await restore('failed');
    const { release } = await scene.grant(3, 'sick');
    const failed = await scene.stage.hears(RolloutFailed, (data) => data.release.id === release.id, 60_000);
    expect(failed).toMatchObject({ next: 'hold', reason: { code: 'never-healthy' } });
    expect(await (await fetch(second.address)).text()).toContain('two');
    const back = await scene.command({ kind: 'environment.rollback', ...scene.here(), to: null });
    await scene.stage.hears(CommandAccepted, ({ command }) => command === back, 20_000);
    const ofIt = (data: { release: { project: string } }) => data.release.project === scene.project;
    expect(await scene.stage.hears(RolloutRolledBack, ofIt, 60_000)).toMatchObject({ release: { number: 1 } });
    expect(await (await fetch(second.address)).text()).toContain('one');
  });
});
