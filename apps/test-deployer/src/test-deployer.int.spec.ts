import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ApprovalRejected,
  CommandAccepted,
  type CommandAction,
  CommandIssued,
  CommandRefused,
  DeploymentFailed,
  DeploymentStarted,
  DeploymentSucceeded,
  EnvironmentRemoved,
  EnvironmentUnheld,
  LogAppended,
  PartAway,
  PartBack,
  VerificationFailed,
  VerificationPassed,
} from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { SampleImages } from '@slipway/orchestrators/testing';
import { anId, aRelease, eventually, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scene } from './scene.fixture.js';

const engine = DockerEngine.connect(realParts().dockerHost);
const tess = { id: anId(), name: 'Tess Tester' };
const test = { name: 'test', stage: 'test', target: 'lab' } as const;
const preRelease = { name: 'pre-release', stage: 'pre-release' as const, after: ['test'], target: 'lab' };

describe('test-deployer', () => {
  let scene: Scene;
  let images: SampleImages;
  let v1: Awaited<ReturnType<SampleImages['make']>>;
  let v2: typeof v1;
  let bad: typeof v1;

  beforeAll(async () => {
    images = new SampleImages(engine, realParts().registry);
    const scened = Scene.build();
    [v1, v2, bad] = [await images.make('v1'), await images.make('v2'), await images.make('v3', 'unhealthy')];
    scene = await scened;
  }, 60_000);
  afterAll(async () => {
    await scene.demolish();
    await images.clean();
  }, 60_000);

  const of = (release: { id: string }) => (event: { subject: string }) => event.subject === release.id;
  const command = async (action: CommandAction, person = tess) => {
    const data = { command: anId(), service: 'test-deployer' as const, action, person, role: 'tester' as const, reason: 'to look at it' };
    await scene.say('gateway', CommandIssued, { subject: 'shop', data });
    return data.command;
  };
  const accepted = (id: string) => scene.hear(CommandAccepted, ({ data }) => data.command === id);
  const refused = (id: string) => scene.hear(CommandRefused, ({ data }) => data.command === id);

  it('takes an image through its test environments to the verdict, one after the other, and hears it twice without a second effect', async () => {
    const project = 'shop';
    const report = { run: ['/esbuild', '/site/index.html', '--loader:.html=copy', '--outdir=/out'], junit: '/out/index.html' };
    await scene.apply(project, 1, [
      { ...test, verify: [{ http: '/', contains: 'v1' }, { run: ['/esbuild', '--version'] }, report] },
      { ...test, name: 'integration', after: ['test'] },
    ]);
    const release = aRelease({ project });
    await scene.built(release, v1);
    const first = await scene.hear(VerificationPassed, of(release));
    await scene.built(release, v1);
    const second = await scene.hear(VerificationPassed, (event) => of(release)(event) && event.data.environment === 'integration');
    expect(first.data).toMatchObject({ environment: 'test', image: { digest: v1.digest }, projectVersion: 1 });
    expect(first.data.evidence.map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'passed']);
    expect(await (await fetch(first.data.address)).text()).toBe('v1');
    expect(second.causationId).toBe(first.id);
    expect(await scene.observe(project, { environment: 'integration' })).toMatchObject({ digest: v1.digest, ready: 1 });
    await scene.hear(LogAppended, (event) => of(release)(event) && event.data.stream === 'verify/test/1' && event.data.last);
    const log = scene.all(LogAppended).filter(({ subject, data }) => subject === release.id && data.stream === 'verify/test/1');
    expect(log.map(({ data }) => data.text).join('')).toContain('run /esbuild --version: passed');
    const kept = await scene.hear(LogAppended, (event) => of(release)(event) && event.data.stream === 'verify/test/1/junit-1');
    expect(kept.data).toMatchObject({ text: 'v1', last: true });
    const told = scene.heard.filter(of(release)).filter(({ name }) => name !== 'log.appended');
    expect(told.map(({ name }) => name)).toEqual([
      ...['deployment.started', 'deployment.succeeded', 'verification.passed'],
      ...['deployment.started', 'deployment.succeeded', 'verification.passed'],
    ]);
  });

  it('says which checks failed and where, leaves what runs for a look, and tries again when asked', async () => {
    const project = 'broken';
    await scene.apply(project, 1, [
      { ...test, verify: [{ http: '/', contains: 'v9' }, { http: '/' }, { run: ['/esbuild', '--nonsense'] }] },
    ]);
    const release = aRelease({ project });
    await scene.built(release, v1);
    const failed = await scene.hear(VerificationFailed, of(release));
    expect(failed.data.evidence.map(({ check, outcome }) => [check, outcome])).toEqual([
      ['http /', 'failed'],
      ['http /', 'passed'],
      ['run /esbuild --nonsense', 'failed'],
    ]);
    expect(failed.data.evidence[2]?.output.join('\n')).toContain('nonsense');
    expect(failed.data.authors[0]?.name).toBe('Ann Author');
    expect(await scene.observe(project)).toMatchObject({ digest: v1.digest, ready: 1 });
    await scene.apply(project, 2, [{ ...test, verify: [{ http: '/' }] }]);
    await accepted(await command({ kind: 'release.retry', release: release.id }));
    await scene.hear(VerificationPassed, of(release));
    const again = await refused(await command({ kind: 'release.retry', release: release.id }));
    expect(again.data.reason.code).toBe('nothing-to-retry');
  });

  it('says why a release never came up, and leaves it there', async () => {
    const project = 'sick';
    await scene.apply(project, 1, [test]);
    const release = aRelease({ project });
    await scene.built(release, bad);
    const failed = await scene.hear(DeploymentFailed, of(release));
    expect(failed.data.reason).toMatchObject({ code: 'never-healthy' });
    expect(failed.data.evidence[0]?.message).toContain('404');
    const observed = await scene.observe(project);
    expect(observed.instances.map(({ digest, healthy }) => [digest, healthy])).toEqual([[bad.digest, false]]);
    const next = aRelease({ project, number: 2 });
    await scene.built(next, v2);
    await scene.hear(VerificationPassed, of(next));
    await eventually(async () => expect((await scene.observe(project)).instances.map(({ digest }) => digest)).toEqual([v2.digest]));
  });

  it('deploys nothing whose provenance is not signed by image-builder, and hears of a project late', async () => {
    const project = 'forged';
    const release = aRelease({ project });
    await scene.built(release, v1, 'approval');
    await scene.apply(project, 1, [test]);
    const failed = await scene.hear(DeploymentFailed, of(release));
    expect(failed.data.reason.code).toBe('provenance-not-good');
    expect(await scene.observe(project)).toMatchObject({ exists: false });
  });

  it('gives up what a person cancels, and takes away what a removed project had', async () => {
    const project = 'given-up';
    await scene.apply(project, 1, [test], '60s');
    const release = aRelease({ project });
    await scene.built(release, v1);
    await eventually(async () => expect((await scene.observe(project)).instances).toHaveLength(1), { within: 20_000 });
    await accepted(await command({ kind: 'release.cancel', release: release.id }));
    const failed = await scene.hear(DeploymentFailed, of(release));
    expect(failed.data.reason).toEqual({ code: 'cancelled', message: 'Tess Tester: to look at it' });
    expect((await refused(await command({ kind: 'release.cancel', release: release.id }))).data.reason.code).toBe('nothing-to-cancel');
    await scene.removeProject(project, 2);
    const removed = await scene.hear(EnvironmentRemoved, ({ data }) => data.project === project);
    expect(removed.data.reason.code).toBe('project-removed');
    expect(await scene.observe(project)).toMatchObject({ exists: false });
  });

  it('moves with its target, and leaves nothing at the old place', async () => {
    const project = 'moving';
    const namespace = `${scene.installation}-attic`;
    await scene.applyTarget('attic', {}, namespace);
    await scene.apply(project, 1, [test]);
    const [first, second] = [aRelease({ project }), aRelease({ project, number: 2 })];
    await scene.built(first, v1);
    await scene.hear(VerificationPassed, of(first));
    await scene.apply(project, 2, [{ ...test, target: 'attic' }]);
    await scene.built(second, v1);
    await scene.hear(VerificationPassed, of(second));
    expect(await scene.observe(project)).toMatchObject({ exists: false });
    expect((await scene.observe(project, { namespace })).instances.map(({ release }) => release)).toEqual([second.id]);
  });

  it('waits for a target that is away, and holds it against nobody', async () => {
    const project = 'patient';
    const socket = join(scene.dataDir, 'docker.sock');
    await scene.applyTarget('far', { host: `unix://${socket}` });
    await scene.apply(project, 1, [{ ...test, target: 'far', verify: [{ run: ['/esbuild', '--version'] }] }]);
    const release = aRelease({ project });
    await scene.built(release, v1);
    await scene.hear(DeploymentStarted, of(release));
    const ofIt = ({ data }: { data: { release: string } }) => data.release === release.id;
    expect((await scene.hear(PartAway, ofIt)).data).toMatchObject({ environment: 'test', part: 'target' });
    await symlink(realParts().dockerSocket, socket);
    await scene.hear(VerificationPassed, of(release));
    expect((await scene.hear(PartBack, ofIt)).data).toMatchObject({ environment: 'test', part: 'target' });
    expect([scene.all(PartAway).filter(ofIt).length, scene.all(PartBack).filter(ofIt).length]).toEqual([1, 1]);
    expect(scene.all(DeploymentFailed).filter(of(release))).toEqual([]);
  });

  it('holds no trouble of the proxy against a release: waits for the target by name until the guard has mended it', async () => {
    const project = 'proxyless';
    const { image, digest } = await images.makeSlow('v4', 0);
    const verify = [{ run: ['/bin/busybox', 'sleep', '2'] }, { http: '/healthz' }];
    await scene.apply(project, 1, [{ ...test, verify }]);
    // Its guard comes when it is let in.
    await scene.rows(
      `insert into $schema.operation (id, kind, key, input, state, due_at, first_due_at) values ($1, 'guard', $2, $3, 'done', now(), now())`,
      [anId(), `${project}/test`, JSON.stringify({ project, environment: 'test' })],
    );
    const release = aRelease({ project });
    await scene.built(release, { image, digest });
    await scene.hear(DeploymentSucceeded, of(release));
    await engine.containers.remove(`slipway.${scene.installation}.${project}.test.proxy`, { force: true });
    const verification = `select waiting_for, progress from $schema.operation
      where kind = 'verification' and key in (select id::text from $schema.deployment where release = $1)`;
    await eventually(async () => {
      const [row] = await scene.rows(verification, [release.id]);
      expect(row).toEqual({ waiting_for: expect.stringContaining('the proxy is gone'), progress: null });
    });
    await scene.rows(`update $schema.operation set state = 'ready' where kind = 'guard' and key = $1`, [`${project}/test`]);
    await scene.hear(VerificationPassed, of(release));
    expect(scene.all(VerificationFailed).filter(of(release))).toEqual([]);
  });

  it('goes on where a worker died, with what it made', async () => {
    const project = 'crash';
    await scene.apply(project, 1, [test], '3s');
    const release = aRelease({ project });
    await scene.built(release, v1);
    const [made] = await eventually(async () => {
      const { instances } = await scene.observe(project);
      return instances.length > 0 && instances;
    });
    const abandoned = await scene.rows(
      `with dead as (
         update $schema.operation set epoch = epoch + 1, owner = gen_random_uuid(), due_at = now() + interval '500 ms', armed_until = now() + interval '600 ms'
          where kind = 'deployment' and state = 'running' and input ->> 'deployment' in (select id::text from $schema.deployment where release = $1)
         returning id
       )
       update $schema.place set armed_until = now() + interval '600 ms' from dead where operation = dead.id returning 1`,
      [release.id],
    );
    expect(abandoned).toHaveLength(1);
    await scene.hear(VerificationPassed, of(release));
    expect((await scene.observe(project)).instances.map(({ id }) => id)).toEqual([made?.id]);
    expect(scene.all(DeploymentStarted).filter(of(release))).toHaveLength(1);
    expect(scene.all(DeploymentSucceeded).filter(of(release))).toHaveLength(1);
  });

  it('acts nowhere before a call of whoever acted there before can be on its way no more', async () => {
    const project = 'slow-to-stop';
    await scene.apply(project, 1, [test]);
    const [first, second] = [aRelease({ project }), aRelease({ project, number: 2 })];
    await scene.built(first, v1);
    await scene.hear(VerificationPassed, of(first));
    const [armed] = await scene.rows<{ until: Date }>(
      `update $schema.place set armed_until = now() + interval '2 seconds' where name = $1 returning armed_until as until`,
      [`${project}/test`],
    );
    await scene.built(second, v2);
    await scene.hear(VerificationPassed, of(second));
    const { instances } = await scene.observe(project);
    expect(instances.map(({ release }) => release)).toEqual([second.id]);
    expect(Date.now() - (instances[0]?.runningForMs ?? 0)).toBeGreaterThanOrEqual(armed?.until.getTime() ?? Number.NaN);
  });

  it('lets releases wait while a tester holds the environment; the newest goes when the time is over', async () => {
    const project = 'held';
    await scene.apply(project, 1, [test]);
    const [first, second, third] = [aRelease({ project }), aRelease({ project, number: 2 }), aRelease({ project, number: 3 })];
    await scene.built(first, v1);
    await scene.hear(VerificationPassed, of(first));
    const until = new Date(Date.now() + 3000).toISOString();
    await accepted(await command({ kind: 'environment.hold', project, environment: 'test', until }));
    const other = await command({ kind: 'environment.hold', project, environment: 'test', until: null }, { id: anId(), name: 'Tom' });
    expect((await refused(other)).data.reason.message).toContain('Tess Tester');
    await scene.built(second, bad);
    await scene.built(third, v2);
    const overtaken = await scene.hear(DeploymentFailed, of(second));
    expect(overtaken.data).toMatchObject({ reason: { code: 'superseded', message: 'release 3 goes instead' }, authors: [] });
    await eventually(async () => {
      const [row] = await scene.rows<{ waiting_for: string }>(
        `select waiting_for from $schema.operation where key in (select id::text from $schema.deployment where release = $1)`,
        [third.id],
      );
      expect(row?.waiting_for).toContain('held by Tess Tester until');
    });
    expect(scene.all(EnvironmentUnheld)).toEqual([]);
    const passed = await scene.hear(VerificationPassed, of(third));
    const unheld = await scene.hear(EnvironmentUnheld, ({ data }) => data.project === project);
    expect(unheld.data).toMatchObject({ by: null, reason: 'its time ran out' });
    expect(Date.parse(passed.time)).toBeGreaterThan(Date.parse(until));
    await accepted(await command({ kind: 'environment.deploy', project, environment: 'test', release: first.id }));
    await eventually(async () => expect(await scene.observe(project)).toMatchObject({ digest: v1.digest }), { within: 15_000 });
  });

  it('is held up by no row that somebody else wrote, of what waits and goes before all, or says nothing', async () => {
    const project = 'forged';
    await scene.apply(project, 1, [test]);
    const [release, forged] = [aRelease({ project }), aRelease({ project, number: 9 })];
    for (const deployment of [{ release: forged, asked: null }, { release: forged, asked: { by: tess } }, {}])
      await scene.rows(
        `insert into $schema.deployment (id, project, environment, release, state, deployment) values ($1, $2, 'test', $3, 'waiting', $4)`,
        [...[anId(), project, forged.id, JSON.stringify(deployment)]],
      );
    await scene.built(release, v1);
    await scene.hear(VerificationPassed, of(release));
    await scene.removeProject(project, 2);
    await scene.hear(EnvironmentRemoved, ({ data }) => data.project === project);
    expect(scene.heard.filter(of(forged))).toEqual([]);
  });

  it('keeps the occupant until people have decided, brings back what dies, and takes away what the project drops', async () => {
    const project = 'decided';
    await scene.apply(project, 1, [{ ...test, occupancy: 'until-decided' }, preRelease]);
    const [first, second] = [aRelease({ project }), aRelease({ project, number: 2 })];
    await scene.built(first, v1);
    await scene.hear(VerificationPassed, of(first));
    await scene.built(second, v2);
    await eventually(async () => {
      const rows = await scene.rows(
        `select 1 from $schema.operation where waiting_for = 'release 1 stays here until people have decided about it'`,
      );
      expect(rows).toHaveLength(1);
    });
    const [instance] = (await scene.observe(project)).instances;
    await engine.containers.remove(instance?.id ?? '', { force: true });
    await eventually(async () => expect(await scene.observe(project)).toMatchObject({ ready: 1, digest: v1.digest }), { within: 15_000 });
    const data = { request: anId(), release: first, environment: 'pre-release', by: tess, comment: 'too slow', authors: [] };
    await scene.say('approval', ApprovalRejected, { subject: first.id, data });
    await scene.hear(VerificationPassed, of(second));
    await scene.apply(project, 2, [{ ...test, name: 'other' }]);
    const removed = await scene.hear(EnvironmentRemoved, (event) => event.data.project === project);
    expect(removed.data).toMatchObject({ environment: 'test', reason: { code: 'environment-removed' } });
    expect(await scene.observe(project)).toMatchObject({ exists: false });
  });
});
