import { ApprovalSuperseded, ApprovalVoided, type Release, RolloutAborted, RolloutStarted } from '@slipway/contracts';
import { aRelease, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scene } from './scene.fixture.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.set('26500-26999');
});
afterAll(async () => {
  await scene.clear();
});

/** Lets the world hear an event, and waits until production-rollout has dealt with it. */
async function heard(event: Promise<string>): Promise<void> {
  await scene.stage.handles('production-rollout', await event);
}

const voided = (release: Release, request: string) =>
  scene.stage.say('approval', ApprovalVoided, {
    subject: release.id,
    data: { request, release, environment: 'production', reason: { code: 'changed', message: 'app.env' }, changed: [] },
  });
const superseded = (release: Release, request: string) =>
  scene.stage.say('approval', ApprovalSuperseded, {
    subject: release.id,
    data: { request, release, environment: 'production', by: aRelease({ project: scene.project, number: 9 }) },
  });
const waiting = () =>
  scene.stage.database.query(`select id from slipway_production_rollout.rollout where project = $1 and state = 'waiting'`, [scene.project]);

describe('a grant that is heard late', () => {
  it('begins nothing after its request was voided, and its rollout ends', async () => {
    await scene.aProject('voided');
    const { release, statement, say } = await scene.grant(1, 'one', { good: false, said: false });
    await heard(voided(release, statement.request));
    await heard(say());
    expect(await scene.stage.hears(RolloutAborted, (data) => data.release.id === release.id)).toMatchObject({
      request: statement.request,
      reason: { code: 'changed', message: 'app.env' },
      supersededBy: null,
    });
    expect(await waiting()).toEqual([]);
  });

  it('begins nothing after a newer release took its place', async () => {
    await scene.aProject('overtaken');
    const { release, statement, say } = await scene.grant(1, 'one', { good: false, said: false });
    await heard(superseded(release, statement.request));
    await heard(say());
    expect(await scene.stage.hears(RolloutAborted, (data) => data.release.id === release.id)).toMatchObject({ supersededBy: 9 });
    expect(await waiting()).toEqual([]);
  });

  it('begins nothing when it has expired by then: what still stands is said anew, and that goes in', async () => {
    await scene.aProject('expired');
    const old = await scene.grant(1, 'one', { issuedAt: new Date(Date.now() - 3_700_000) });
    await heard(old.say());
    expect(await waiting()).toEqual([]);
    await scene.live(1, 'one');
    expect(scene.stage.heard.filter(({ name, subject }) => name === RolloutStarted.name && subject === old.release.id)).toEqual([]);
  });

  it('waits for approval to hear what runs, says so, and begins then', async () => {
    const { database } = scene.stage;
    await database.query('alter table slipway_approval.grants_good_now add column heard_to timestamptz');
    await scene.aProject('early');
    await scene.live(1, 'one');
    const { release, statement, say } = await scene.grant(2, 'two', { said: false });
    const heardTo = (time: string) =>
      database.query('update slipway_approval.grants_good_now set heard_to = $2 where grant_id = $1', [statement.grant, time]);
    await heardTo('-infinity');
    await say();
    const waits = `select away, waiting_for from slipway_production_rollout.operation where kind = 'rollout' and away is not null`;
    expect(await eventually(async () => (await database.query(waits))[0] ?? false)).toMatchObject({
      away: { part: 'approval', environment: 'production' },
      waiting_for: expect.stringContaining('approval to hear that release 1 runs here now'),
    });
    await heardTo('infinity');
    await scene.stage.hears(RolloutStarted, (data) => data.release.id === release.id);
  });

  it('is remembered to be void for longer than it is good, and not for ever', async () => {
    await scene.aProject('forgetful');
    const { release, statement } = await scene.grant(1, 'one', { good: false, said: false });
    const { database } = scene.stage;
    await heard(voided(release, statement.request));
    await database.query(`update slipway_production_rollout.request_end set heard_at = heard_at - interval '25 hours'`);
    const next = await scene.grant(2, 'one', { good: false, said: false });
    await heard(voided(next.release, next.statement.request));
    expect(await database.query('select request from slipway_production_rollout.request_end')).toEqual([
      { request: next.statement.request },
    ]);
  });
});
