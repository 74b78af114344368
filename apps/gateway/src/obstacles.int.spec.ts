import { EventDeadLettered, EventNoted } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { aScene, type Scene } from './gateway.fixture.js';

let scene: Scene;

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
});
afterAll(() => scene?.stage.clear());

describe('doctor', () => {
  it('says what is in the way of a stuck release: no answer, an event put aside, a dead letter', async () => {
    const { stage, administrator } = scene;
    const { id: release } = await scene.aBuiltRelease('shop', 1);
    for (const [table, time] of [
      ['release', 'changed_at'],
      ['project', 'applied_at'],
    ])
      await stage.database.query(`update slipway_gateway.${table} set ${time} = now() - interval '11 minutes'`);
    const why = async () => (await administrator.api.status({})).stuck.find((each) => each.release === release)?.why ?? [];
    const built = stage.heard.find(({ name, subject }) => name === 'image.built' && subject === release)?.id as string;
    await stage.database.query("update slipway_gateway.journal set received_at = received_at - interval '2 minutes'");
    expect(await why()).toContainEqual({
      code: 'unanswered',
      service: 'test-deployer',
      since: expect.any(String),
      message: expect.stringMatching(/^test-deployer has not answered image\.built; nothing was ever heard of it$/),
      mend: expect.stringContaining('is test-deployer running and ready'),
    });
    const answer = (outcome: 'parked' | 'noted', reason: string | null) =>
      stage.say('test-deployer', EventNoted, { subject: release, causationId: built, data: { event: built, outcome, reason } });
    const of = async (code: string) => (await why()).find((each) => each.code === code && each.service === 'test-deployer');
    await answer('parked', 'this code knows version 1');
    expect(await eventually(async () => (await of('newer-version')) ?? false)).toMatchObject({
      message: 'image.built is newer than test-deployer understands (this code knows version 1) and was put aside',
      mend: 'bring the newer version of test-deployer: it then handles it by itself',
    });
    const place = { topic: 't', partition: 1, offset: '7' };
    const letter = { service: 'test-deployer' as const, ...place, event: built, name: null, reason: 'handler-failed: boom', stack: null };
    await stage.say('test-deployer', EventDeadLettered, { subject: 'installation', data: letter });
    expect(await eventually(async () => (await of('dead-letter')) ?? false)).toMatchObject({
      message: 'test-deployer could not take image.built: handler-failed: boom',
      mend: expect.stringContaining('slipway dead-letters replay test-deployer "t:1:7"'),
    });
    const replaying = administrator.api.replayDeadLetter({ params: { service: 'test-deployer', id: 't:1:7' }, body: { reason: 'mended' } });
    await scene.answerCommand('test-deployer', { message: 'it was handled again' });
    await replaying;
    await answer('noted', null);
    await eventually(async () => (await of('newer-version')) === undefined && (await of('dead-letter')) === undefined);
    expect((await why()).filter(({ service }) => service === 'test-deployer')).toEqual([]);
  });

  it('goes by the clock of the database, wherever that of the gateway has jumped to', async () => {
    const { stage, administrator } = scene;
    const { id: moving } = await scene.aBuiltRelease('shop', 2);
    const { id: release } = await scene.aBuiltRelease('shop', 3);
    await stage.database.query("update slipway_gateway.release set changed_at = now() - interval '11 minutes' where id = $1", [release]);
    const stuck = async () => (await administrator.api.status({})).stuck.map((each) => each.release);
    onTestFinished(() => void vi.useRealTimers());
    for (const jump of [-3_600_000, 3_600_000]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + jump });
      const found = await stuck();
      vi.useRealTimers();
      expect(found).toContain(release);
      expect(found).not.toContain(moving);
    }
  });
});
