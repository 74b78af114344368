import {
  ApprovalRequested,
  CommitDetected,
  type DataOf,
  DeploymentSucceeded,
  EnvironmentRemoved,
  PersonChanged,
  ProjectApplied,
  type Release,
  SignOffAccepted,
  TargetApplied,
  VerificationPassed,
} from '@slipway/contracts';
import { aCommit, anId, aPerson, aProjectFile, aRelease, aTargetFile } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalModule } from './approval.module.js';
import { deployed, detected, imageOf, letIn, passed } from './said.fixture.js';

const admin = { id: anId(), name: 'Ada' };
const tester = aPerson({ name: 'Tess Tester', roles: [{ role: 'tester', project: '*' }] });
type Requested = DataOf<typeof ApprovalRequested>;

let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
  await Promise.all([stage.start(ApprovalModule), stage.start(ApprovalModule)]);
  await stage.say('gateway', PersonChanged, { subject: tester.id, data: { person: tester, version: 1, by: null } });
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: aTargetFile(), by: admin } });
});
afterAll(() => stage.clear());

const apply = (project: string, version: number, spec: NonNullable<Parameters<typeof aProjectFile>[0]>['spec'] = {}) =>
  stage.say('gateway', ProjectApplied, {
    subject: project,
    data: { project, version, file: aProjectFile({ name: project, spec }), by: admin, reason: '' },
  });
const deploy = (release: Release) => stage.say('test-deployer', DeploymentSucceeded, { subject: release.id, data: deployed(release) });

/** The newest word on a request that fits. */
const asked = (release: Release, fits: (data: Requested) => boolean = () => true) =>
  stage.hears(ApprovalRequested, (data) => data.release.id === release.id && fits(data));

/** Born, running and good in test, and so asked about. */
async function tested(release: Release, range: Parameters<typeof detected>[2] = {}): Promise<Requested> {
  await stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release, [], range) });
  await deploy(release);
  await stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release) });
  return asked(release);
}

async function sign(asked: Requested): Promise<DataOf<typeof SignOffAccepted>> {
  await stage.signsOff(tester, asked);
  return stage.hears(SignOffAccepted, (data) => data.request === asked.request);
}

describe('a request whose build is replaced in test', () => {
  it('says what runs there now, how to have it back, and that it is back', async () => {
    await apply('replaced', 1);
    const [first, second] = [aRelease({ project: 'replaced' }), aRelease({ project: 'replaced', number: 2 })];
    expect(await tested(first)).toMatchObject({
      inTest: { release: { id: first.id }, address: 'http://127.0.0.1:20000' },
      deployAgain: null,
    });
    await deploy(second);
    expect(await asked(first, ({ inTest }) => inTest?.release.id === second.id)).toMatchObject({
      inTest: { environment: 'test', image: imageOf(second) },
      deployAgain: {
        environment: 'test',
        command: 'slipway environment deploy replaced test --release replaced/1 --reason "look at it again"',
        call: { method: 'POST', path: '/api/v1/projects/replaced/environments/test/deploy', body: { release: first.id } },
      },
    });
    const before = stage.heard.length;
    await deploy(first);
    await asked(first, ({ inTest, deployAgain }) => {
      const again = stage.heard.slice(before).some((event) => event.name === 'approval.requested');
      return again && inTest?.release.id === first.id && deployAgain === null;
    });
  });

  it('keeps with a sign-off what ran in test at that moment', async () => {
    await apply('moment', 1);
    const [first, second] = [aRelease({ project: 'moment' }), aRelease({ project: 'moment', number: 2 })];
    const request = await tested(first);
    await deploy(second);
    await asked(first, ({ inTest }) => inTest?.release.id === second.id);
    expect((await sign(request)).inTest).toEqual({ environment: 'test', release: 2, digest: imageOf(second).digest });
  });

  it('says so when nothing runs there any more', async () => {
    await apply('removed', 1);
    const release = aRelease({ project: 'removed' });
    const request = await tested(release);
    await stage.say('test-deployer', EnvironmentRemoved, {
      subject: 'removed/test',
      data: { project: 'removed', environment: 'test', reason: { code: 'environment-removed', message: 'the project has no test' } },
    });
    expect(await asked(release, ({ inTest }) => inTest === null)).toMatchObject({ request: request.request });
    expect((await sign(request)).inTest).toBeNull();
  });
});

describe('what a request shows of the change', () => {
  it('is the commits since what runs there, newest first, and how many there are', async () => {
    await apply('commits', 1);
    const [hats, caps] = [aCommit({ message: 'Sell hats\n\nAll sizes.' }), aCommit({ message: 'Sell caps' })];
    const first = aRelease({ project: 'commits' });
    await tested(first, { commits: [hats], total: 1 });
    const second = aRelease({ project: 'commits', number: 2, revision: caps.revision });
    expect((await tested(second, { from: first.revision, commits: [caps], total: 300 })).change).toEqual({
      since: null,
      commits: [
        { release: 2, revision: caps.revision, author: 'Ann Author', title: 'Sell caps' },
        { release: 1, revision: hats.revision, author: 'Ann Author', title: 'Sell hats' },
      ],
      total: 301,
      settings: null,
    });
  });

  it('is what differs from what was let in there before', async () => {
    const environments = aProjectFile().spec.environments.map((each) =>
      each.stage === 'test' ? each : { ...each, approval: { ...each.approval, require: [] } },
    );
    await apply('settings', 1, { environments });
    const first = aRelease({ project: 'settings' });
    await tested(first);
    await letIn(stage, first);
    await apply('settings', 2, { environments, app: { env: { MODE: 'fast' } } });
    const second = aRelease({ project: 'settings', number: 2 });
    expect((await tested(second, { from: first.revision })).change).toMatchObject({
      since: { number: 1, revision: first.revision, image: imageOf(first) },
      settings: [{ en: 'app.env.MODE was added: fast' }],
    });
  });
});
