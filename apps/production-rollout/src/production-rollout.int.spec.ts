import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ApprovalSuperseded,
  ApprovalVoided,
  CommandAccepted,
  CommandRefused,
  EnvironmentDrifted,
  EnvironmentRecovered,
  EnvironmentScaled,
  PartAway,
  PartBack,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
} from '@slipway/contracts';
import { Load } from '@slipway/orchestrators/testing';
import { aRelease, eventually, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scene } from './scene.fixture.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.set('27000-27999');
});
afterAll(async () => {
  await scene.clear();
});

describe('production-rollout', () => {
  it('brings what was granted in, by its digest, and the next one without a failed request', async () => {
    await scene.aProject('steady');
    const first = await scene.live(1, 'one');
    expect(first).toMatchObject({ image: { digest: scene.built.one.digest }, instances: 2 });
    const load = new Load(`${first.address}/`, { keepAlive: 2, fresh: 2 });
    const second = await scene.live(2, 'two');
    expect(second.address).toBe(first.address);
    expect((await load.stop()).failures).toEqual([]);
    expect(await (await fetch(first.address)).text()).toContain('two');
  });

  it('goes back from a release that never gets healthy, and bars it', async () => {
    await scene.aProject('falls');
    const first = await scene.live(1, 'one');
    const { release } = await scene.grant(2, 'sick');
    expect(await scene.stage.hears(RolloutFailed, (data) => data.release.id === release.id, 60_000)).toMatchObject({
      next: 'rollback',
      reason: { code: 'never-healthy' },
    });
    expect(await scene.stage.hears(RolloutRolledBack, (data) => data.from?.id === release.id)).toMatchObject({
      release: { number: 1 },
      by: null,
    });
    expect(await (await fetch(first.address)).text()).toContain('one');
  });

  it('scales, heals what dies, and goes back when a person asks', async () => {
    await scene.aProject('lively');
    const first = await scene.live(1, 'one');
    await scene.live(4, 'two');
    await scene.command({ kind: 'environment.scale', ...scene.here(), instances: 3 });
    await scene.stage.hears(EnvironmentScaled, (data) => data.project === scene.project && data.to === 3, 40_000);
    const before = await scene.containers();
    expect(before).toHaveLength(3);
    await scene.engine.containers.kill(before[0] as string);
    await scene.stage.hears(EnvironmentDrifted, (data) => data.project === scene.project, 30_000);
    await scene.stage.hears(EnvironmentRecovered, (data) => data.project === scene.project, 30_000);
    await eventually(async () => (await scene.containers()).length === 3);
    const back = await scene.command({ kind: 'environment.rollback', ...scene.here(), to: null });
    await scene.stage.hears(CommandAccepted, (data) => data.command === back);
    expect(await scene.stage.hears(RolloutRolledBack, (data) => data.release.project === scene.project, 60_000)).toMatchObject({
      release: { number: 1 },
      from: { number: 4 },
      by: scene.operator,
    });
    expect(await (await fetch(first.address)).text()).toContain('one');
    expect(await scene.containers()).toHaveLength(3);
  });

  it('begins nothing by a forged grant, an unproven image, a release that did not pass or a grant that is not good now', async () => {
    await scene.aProject('careful');
    const forged = await scene.grant(1, 'one', { by: scene.stage.keys.keys.notifier.signer });
    const unproven = await scene.grant(2, 'one', { provenanceOf: scene.built.two.digest });
    expect(await scene.stage.hears(RolloutAborted, (data) => data.release.id === unproven.release.id)).toMatchObject({
      reason: { code: 'provenance-not-good' },
    });
    const passes = [{ verdictBy: scene.stage.keys.keys.approval.signer }, { verdictOn: unproven.release.id }];
    for (const [index, verdict] of passes.entries()) {
      const unpassed = await scene.grant(3 + index, 'one', verdict);
      expect(await scene.stage.hears(RolloutAborted, (data) => data.release.id === unpassed.release.id)).toMatchObject({
        reason: { code: 'verdict-not-good' },
      });
    }
    const notGood = await scene.grant(5, 'one', { good: false });
    await eventually(
      async () =>
        (
          await scene.stage.database.query(`select 1 from slipway_production_rollout.rollout where request = $1 and state = 'waiting'`, [
            notGood.statement.request,
          ])
        ).length === 1,
    );
    await scene.stage.say('approval', ApprovalVoided, {
      subject: notGood.release.id,
      data: {
        request: notGood.statement.request,
        release: notGood.release,
        environment: 'production',
        reason: { code: 'changed', message: 'app.env' },
        changed: [],
      },
    });
    await scene.stage.hears(RolloutAborted, (data) => data.release.id === notGood.release.id);
    expect(scene.stage.heard.filter((event) => event.name === RolloutStarted.name && event.subject === forged.release.id)).toEqual([]);
    expect(await scene.stage.database.query('select reason from slipway_production_rollout.dead_letter')).toHaveLength(1);
    expect(await scene.containers()).toEqual([]);
  });

  it('cancels what waits, and says what to do instead about what ended', async () => {
    await scene.aProject('patient');
    const { release, statement } = await scene.grant(1, 'one', { good: false });
    await eventually(
      async () =>
        (
          await scene.stage.database.query(`select 1 from slipway_production_rollout.rollout where request = $1 and state = 'waiting'`, [
            statement.request,
          ])
        ).length === 1,
    );
    const cancelled = await scene.command({ kind: 'release.cancel', release: release.id });
    await scene.stage.hears(CommandAccepted, (data) => data.command === cancelled);
    expect(await scene.stage.hears(RolloutAborted, (data) => data.release.id === release.id)).toMatchObject({
      reason: { code: 'cancelled' },
    });
    const again = await scene.command({ kind: 'release.retry', release: release.id });
    expect(await scene.stage.hears(CommandRefused, (data) => data.command === again)).toMatchObject({ reason: { code: 'needs-sign-off' } });
  });

  it('never goes backwards by itself', async () => {
    await scene.aProject('forward');
    await scene.live(5, 'two');
    const { release } = await scene.grant(4, 'one');
    expect(await scene.stage.hears(RolloutAborted, (data) => data.release.id === release.id)).toMatchObject({ reason: { code: 'older' } });
  });

  it('acts nowhere before a call of whoever acted there before can be on its way no more', async () => {
    await scene.aProject('late');
    await scene.live(1, 'one');
    const old = await scene.containers();
    const [armed] = await scene.stage.database.query<{ until: Date }>(
      `update slipway_production_rollout.place set armed_until = now() + interval '2 seconds' where name = $1 returning armed_until as until`,
      ['environment/late/production'],
    );
    await scene.live(2, 'two');
    const made = (await scene.containers()).filter((name) => !old.includes(name));
    const began = (await Promise.all(made.map((name) => scene.engine.containers.inspect(name)))).map((one) =>
      Date.parse(one?.startedAt ?? ''),
    );
    expect(Math.min(...began)).toBeGreaterThanOrEqual(armed?.until.getTime() ?? Number.NaN);
  });

  it('goes back to what was good before the rollout under way, and not one further', async () => {
    await scene.aProject('hasty');
    await scene.live(1, 'one');
    const second = await scene.live(2, 'two');
    const { release } = await scene.grant(3, 'sick');
    await scene.stage.hears(RolloutStarted, (data) => data.release.id === release.id);
    const back = await scene.command({ kind: 'environment.rollback', ...scene.here(), to: null });
    await scene.stage.hears(RolloutFailed, (data) => data.release.id === release.id, 60_000);
    await scene.stage.hears(CommandAccepted, (data) => data.command === back, 60_000);
    expect(
      await scene.stage.hears(RolloutRolledBack, (data) => data.release.project === scene.project && data.by !== null, 60_000),
    ).toMatchObject({
      release: { number: 2 },
      from: null,
    });
    expect(await (await fetch(second.address)).text()).toContain('two');
  });

  it('ends a waiting rollout whose grant is superseded, though the newer one never comes', async () => {
    await scene.aProject('overtaken');
    const { release, statement } = await scene.grant(1, 'one', { good: false });
    const data = { request: statement.request, release, environment: 'production', by: aRelease({ project: scene.project, number: 2 }) };
    await scene.stage.say('approval', ApprovalSuperseded, { subject: release.id, data });
    expect(await scene.stage.hears(RolloutAborted, (aborted) => aborted.release.id === release.id)).toMatchObject({
      request: statement.request,
      supersededBy: 2,
    });
  });

  it('refuses a rollback where nothing was good before, and says what there is', async () => {
    await scene.aProject('young');
    await scene.live(1, 'one');
    const asked = await scene.command({ kind: 'environment.rollback', ...scene.here(), to: null });
    expect(await scene.stage.hears(CommandRefused, (data) => data.command === asked)).toMatchObject({
      reason: { code: 'nothing-to-go-back-to' },
    });
  });

  it('says which part a rollout waits for, goes on when it is back, and holds that against nobody', async () => {
    const socket = join(scene.stage.keys.dir, 'docker.sock');
    await scene.applyTarget({ docker: { host: `unix://${socket}` } });
    await scene.aProject('patient');
    const { release } = await scene.grant(1, 'one');
    const ofIt = (data: { release: string }) => data.release === release.id;
    // As if it had been away for as long as is told.
    const longAway = `update slipway_production_rollout.operation set away = jsonb_set(away, '{since}', $1::jsonb)
      where away is not null and cause ->> 'correlationId' = $2 returning 1`;
    const since = JSON.stringify(new Date(Date.now() - 10_000).toISOString());
    await eventually(async () => (await scene.stage.database.query(longAway, [since, release.id])).length > 0);
    expect(await scene.stage.hears(PartAway, ofIt, 60_000)).toMatchObject({ environment: 'production', part: 'target' });
    await symlink(realParts().dockerSocket, socket);
    await scene.stage.hears(RolloutSucceeded, (data) => data.release.id === release.id, 60_000);
    expect(await scene.stage.hears(PartBack, ofIt, 10_000)).toMatchObject({ environment: 'production', part: 'target' });
    const said = scene.stage.heard.filter(({ name, data }) => name === PartAway.name && ofIt(data as { release: string }));
    expect(said).toHaveLength(1);
    await scene.applyTarget({});
  });
});
