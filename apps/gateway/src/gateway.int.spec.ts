import { PartAway, PartBack, SignOffAccepted, SignOffAttestation, SignOffPosted } from '@slipway/contracts';
import { aDigest, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, aScene, problemOf, type Scene } from './gateway.fixture.js';

let scene: Scene;
let tess: Actor;

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
  tess = await scene.join('Tess Tester', [{ role: 'tester', project: 'shop' }]);
});
afterAll(() => scene?.stage.clear());

describe('the gateway', () => {
  it('tells a release with its state, its story and what it waits for', async () => {
    const release = await scene.aBuiltRelease('shop', 1);
    const detail = await tess.api.getReleaseByNumber({ params: { project: 'shop', number: 1 } });
    expect(detail).toMatchObject({ release: { id: release.id }, state: 'testing', title: 'Sell hats', authors: ['Ann Author'] });
    expect(detail.timeline.map(({ event }) => event)).toEqual(['commit.detected', 'image.built']);
    expect(detail.waitingFor.map(({ code, environment }) => [code, environment])).toEqual([['deployment', 'test']]);
    expect((await tess.api.listReleases({ query: { project: 'shop' } })).items.map(({ release: { number } }) => number)).toEqual([1]);
  });

  it('tells which part a release waits for, and since when, while that is away', async () => {
    const release = await scene.aBuiltRelease('shop', 7);
    const about = { subject: release.id, correlationId: release.id };
    const part = { release: release.id, environment: 'test', part: 'registry' };
    const since = '2026-11-23T05:00:00.000Z';
    const shown = async () => (await tess.api.getRelease({ params: { id: release.id } })).waitingFor.map((wait) => [wait.code, wait.since]);
    await scene.stage.say('test-deployer', PartAway, { ...about, data: { ...part, since, reason: 'connection refused' } });
    await eventually(async () => (await shown()).length === 2);
    expect(await shown()).toEqual([
      ['away', since],
      ['deployment', null],
    ]);
    await scene.stage.say('test-deployer', PartBack, { ...about, data: { ...part, afterSeconds: 60 } });
    await eventually(async () => (await shown()).length === 1);
    const { timeline } = await tess.api.getRelease({ params: { id: release.id } });
    expect(timeline.map(({ event }) => event).slice(-2)).toEqual(['part.away', 'part.back']);
  });

  it('hands a sign-off to approval as what it attests, and answers with what approval says', async () => {
    const release = await scene.aBuiltRelease('shop', 2);
    const { request, asks } = await scene.aRequest(release, [tess]);
    expect((await tess.api.listApprovals({ query: { mine: 'true' } })).items.map((item) => item.request)).toEqual([request]);
    // Who came, or got the role, after it was asked is shown it all the same; who lost it is not.
    const late = await scene.join('Larry Late', [{ role: 'operator', project: 'shop' }]);
    const mineOf = async ({ api }: Actor) => (await api.listApprovals({ query: { mine: 'true' } })).items.map((item) => item.request);
    expect(await mineOf(late)).toEqual([request]);
    await scene.administrator.api.changePerson({ params: { id: late.id }, body: { roles: [{ role: 'developer', project: 'shop' }] } });
    expect(await mineOf(late)).toEqual([]);
    const signing = tess.api.signOff({ params: { id: request }, body: { decision: 'approve', comment: 'tried it' } });
    await scene.stage.hears(SignOffPosted, (data) => data.request === request);
    const posted = scene.stage.heard.find((event) => event.name === SignOffPosted.name) as (typeof scene.stage.heard)[number];
    const { attestation } = (posted.data as { proof: { attestation: { payload: string } } }).proof;
    const said = SignOffAttestation.parse(JSON.parse(Buffer.from(attestation.payload, 'base64').toString('utf8')));
    expect(said).toMatchObject({ request, asks, person: tess.id, decision: 'approve', via: 'token' });
    const inTest = { environment: 'test', release: 9, digest: aDigest('another') };
    await scene.stage.say('approval', SignOffAccepted, {
      subject: release.id,
      causationId: posted.id,
      data: {
        request,
        release,
        environment: 'pre-release',
        person: { id: tess.id, name: tess.name },
        decision: 'approve',
        comment: 'tried it',
        via: 'http',
        inTest,
        missing: ['1 more operator'],
      },
    });
    expect(await signing).toEqual({ request, posted: posted.id, state: 'accepted', missing: ['1 more operator'] });
    expect(await tess.api.getApproval({ params: { id: request } })).toMatchObject({
      state: 'open',
      signOffs: [{ person: { name: 'Tess Tester' }, inTest }],
    });
  });

  it('gives a command to its owner and answers with what that says', async () => {
    const release = await scene.aBuiltRelease('shop', 3);
    const withdrawing = tess.api.withdrawRelease({ params: { id: release.id }, body: { reason: 'it sells the wrong hats' } });
    const issued = await scene.answerCommand('approval', { message: 'withdrawn' });
    expect(issued).toMatchObject({
      action: { kind: 'release.withdraw', release: release.id },
      role: 'tester',
      reason: 'it sells the wrong hats',
    });
    expect(await withdrawing).toEqual({ command: issued.command, state: 'accepted', message: 'withdrawn' });
    expect(await tess.api.getCommand({ params: { id: issued.command } })).toMatchObject({ state: 'accepted', person: { id: tess.id } });
  });

  it('has the source of a project looked at for whoever works on it', async () => {
    const refreshing = tess.api.refreshProject({ params: { name: 'shop' }, body: { reason: 'the webhook is broken' } });
    const issued = await scene.answerCommand('source-watcher', { message: 'the source is looked at now' });
    expect(issued).toMatchObject({ action: { kind: 'source.refresh', project: 'shop' }, person: { id: tess.id }, role: 'tester' });
    expect(await refreshing).toMatchObject({ command: issued.command, state: 'accepted', message: 'the source is looked at now' });
    const lost = scene.administrator.api.refreshProject({ params: { name: 'nowhere' }, body: { reason: 'is it there?' } });
    expect((await problemOf(lost)).status).toBe(404);
  });

  it('says why a command was refused', async () => {
    const release = await scene.aBuiltRelease('shop', 4);
    const withdrawing = problemOf(tess.api.withdrawRelease({ params: { id: release.id }, body: { reason: 'no' } }));
    await scene.answerCommand('approval', { reason: { code: 'withdrawn', message: 'this release was withdrawn before' } });
    expect(await withdrawing).toMatchObject({ status: 409, code: 'withdrawn', detail: 'this release was withdrawn before' });
  });
});
