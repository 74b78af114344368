import {
  CommandAccepted,
  EnvironmentDrifted,
  EnvironmentRecovered,
  EnvironmentScaled,
  RolloutFailed,
  RolloutRolledBack,
} from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Scene } from './scene.fixture.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.set('26000-26499');
});
afterEach(async () => {
  await scene.applyTarget({});
});
afterAll(async () => {
  await scene.clear();
});

/** Waits until production-rollout has heard what was applied last. */
async function applied(change: Parameters<Scene['applyTarget']>[0]): Promise<void> {
  await scene.applyTarget(change);
  await eventually(async () => {
    const [row] = await scene.stage.database.query<{ version: number }>('select version from slipway_production_rollout.target');
    return row?.version === scene.target.version;
  });
}

const proxies = async () =>
  (await scene.engine.containers.list({ labels: { 'dev.slipway.project': scene.project } })).filter((one) => one.name.endsWith('proxy'));
const text = async (address: string) => (await fetch(address)).text();

describe('a target that changes after it was signed for', () => {
  it('moves nothing that runs: it is healed and scaled where it was signed for, and moves with the next grant only', async () => {
    await scene.aProject('settled');
    const first = await scene.live(1, 'one');
    const [proxy] = await proxies();
    await applied({ docker: { address: '127.0.0.2' } });

    await scene.engine.containers.kill((await scene.containers())[0] as string);
    const drifted = await scene.stage.hears(EnvironmentDrifted, (data) => data.project === scene.project, 30_000);
    expect(drifted.found[0]).toContain('target lab is at version 2; what runs here was signed for version 1');
    await scene.stage.hears(EnvironmentRecovered, (data) => data.project === scene.project, 30_000);
    const scale = await scene.command({ kind: 'environment.scale', ...scene.here(), instances: 3 });
    expect((await scene.stage.hears(CommandAccepted, (data) => data.command === scale)).message).toContain('signed for version 1');
    await scene.stage.hears(EnvironmentScaled, (data) => data.project === scene.project && data.to === 3, 40_000);
    expect((await proxies()).map((one) => one.id)).toEqual([proxy?.id]);
    expect(await text(first.address)).toContain('one');

    const second = await scene.live(2, 'two');
    expect(new URL(second.address).hostname).toBe('127.0.0.2');

    await scene.command({ kind: 'environment.rollback', ...scene.here(), to: null });
    const back = await scene.stage.hears(RolloutRolledBack, (data) => data.release.project === scene.project, 60_000);
    expect(back).toMatchObject({ release: { number: 1 }, address: first.address });
    expect(await text(first.address)).toContain('one');
  }, 90_000);

  it('takes a failed release back to where the one before was signed for', async () => {
    await scene.aProject('returned');
    const first = await scene.live(1, 'one');
    await applied({ docker: { address: '127.0.0.2' } });
    const { release } = await scene.grant(2, 'sick');
    await scene.stage.hears(RolloutFailed, (data) => data.release.id === release.id, 60_000);
    const back = await scene.stage.hears(RolloutRolledBack, (data) => data.from?.id === release.id);
    expect(back).toMatchObject({ release: { number: 1 }, address: first.address });
    expect(await text(first.address)).toContain('one');
  }, 90_000);

  it('leaves alone what runs at the old place when a release fails at the new one', async () => {
    await scene.aProject('apart');
    const first = await scene.live(1, 'one');
    const before = await scene.containers();
    await applied({ namespace: 'moved' });
    const { release } = await scene.grant(2, 'sick');
    await scene.stage.hears(RolloutFailed, (data) => data.release.id === release.id, 60_000);
    const back = await scene.stage.hears(RolloutRolledBack, (data) => data.from?.id === release.id);
    expect(back).toMatchObject({ release: { number: 1 }, address: first.address });
    expect((await scene.containers()).sort()).toEqual(before.sort());
    expect(await text(first.address)).toContain('one');
    await scene.engine.containers.kill(before[0] as string);
    await scene.stage.hears(EnvironmentRecovered, (data) => data.project === scene.project, 30_000);
    expect((await scene.containers()).every((name) => !name.includes('moved'))).toBe(true);
  }, 90_000);
});
