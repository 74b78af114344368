import {
  ApprovalRequested,
  BuildFailed,
  CommandIssued,
  CommitDetected,
  type DataOf,
  RolloutSucceeded,
  SignOffAccepted,
  VerificationFailed,
} from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import type { Stage } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { author } from './a-repository.js';
import { aSuite, operator, type Suite, tester } from './a-suite.js';

let suite: Suite;
let stage: Stage;

beforeAll(async () => {
  suite = await aSuite({ ports: '28000-28999' });
  stage = suite.stage;
});
afterAll(() => suite.clear());

describe('a commit', () => {
  it('goes through image, test and sign-offs to production, by one digest', async () => {
    await suite.apply();
    const born = await stage.hears(CommitDetected, (data) => data.release.project === suite.project, 30_000);
    const before = await stage.hears(ApprovalRequested, (data) => data.release.id === born.release.id, 90_000);
    expect(before).toMatchObject({ environment: 'pre-release', involved: [{ id: author.id }] });
    await stage.signsOff(tester, before);
    await stage.signsOff(operator, before);
    const inPreRelease = await stage.hears(RolloutSucceeded, (data) => data.environment === 'pre-release', 60_000);
    const asked = await stage.hears(ApprovalRequested, (data) => data.environment === 'production', 30_000);
    await stage.signsOff(operator, asked);
    const live = await stage.hears(RolloutSucceeded, (data) => data.environment === 'production', 60_000);
    expect(live).toMatchObject({ image: before.deployment.image, instances: 2 });
    expect(inPreRelease.image).toEqual(live.image);
    expect(await (await fetch(live.address)).text()).toBe('one');
  });

  it('that fails its checks ends in test, and says which check and what it saw', async () => {
    await suite.repository.commit('tw');
    const failed = await stage.hears(VerificationFailed, (data) => data.release.project === suite.project, 90_000);
    expect(failed.evidence.filter((check) => check.outcome === 'failed')).toMatchObject([{ check: expect.stringContaining('/') }]);
    expect(failed.authors).toMatchObject([{ email: author.emails[0] }]);
  });

  it('that another one replaces in test is put back there as its request offers', async () => {
    const asked = (fits: (data: DataOf<typeof ApprovalRequested>) => boolean, within = 90_000) =>
      stage.hears(ApprovalRequested, (data) => data.release.project === suite.project && fits(data), within);
    const { number: latest } = (await stage.hears(VerificationFailed)).release;
    await suite.repository.commit('four');
    const own = await asked(({ release }) => release.number === latest + 1);
    expect(own).toMatchObject({ deployAgain: null, inTest: { release: { id: own.release.id } } });
    expect(own.change).toMatchObject({
      since: { image: expect.anything() },
      commits: [{ author: 'Ann Author' }, { author: 'Ann Author' }],
    });
    await suite.repository.commit('five-o');
    const replaced = await asked(({ request, inTest }) => request === own.request && inTest?.release.number === latest + 2);
    const { environment, call } = replaced.deployAgain ?? expect.fail('the request offers nothing');
    const action = { kind: 'environment.deploy', project: suite.project, environment, release: call.body.release } as const;
    const by = { person: { id: tester.id, name: tester.name }, role: 'tester', reason: call.body.reason } as const;
    const heard = stage.heard.length;
    await stage.say('gateway', CommandIssued, {
      subject: `${suite.project}/${environment}`,
      data: { command: v7(), service: 'test-deployer', action, ...by },
    });
    const back = await eventually(
      () =>
        stage.heard
          .slice(heard)
          .filter(({ name }) => name === ApprovalRequested.name)
          .map(({ data }) => data as DataOf<typeof ApprovalRequested>)
          .find(({ request, deployAgain }) => request === own.request && deployAgain === null) ?? false,
      { within: 60_000 },
    );
    expect(await (await fetch(back.inTest?.address ?? '')).text()).toBe('four');
    await stage.signsOff(tester, own);
    expect((await stage.hears(SignOffAccepted, (data) => data.request === own.request)).inTest).toMatchObject({
      release: own.release.number,
      digest: own.deployment.image.digest,
    });
  });

  it('whose image cannot be built ends there, with the step and the log', async () => {
    await suite.repository.write('Dockerfile', 'FROM scratch\nCOPY nothing /nothing\n');
    await suite.repository.commit('three');
    const failed = await stage.hears(BuildFailed, (data) => data.release.project === suite.project, 90_000);
    expect(failed.step).toContain('COPY nothing');
  });
});
