import {
  ApprovalRequested,
  ApprovalVoided,
  CommitDetected,
  ProjectApplied,
  type Release,
  SecretVersioned,
  TargetApplied,
  VerificationPassed,
} from '@slipway/contracts';
import { anId, aProjectFile, aRelease, aTargetFile } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalModule } from './approval.module.js';
import { detected, passed } from './said.fixture.js';

const admin = { id: anId(), name: 'Ada' };

let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
  await stage.start(ApprovalModule);
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: aTargetFile(), by: admin } });
});
afterAll(() => stage.clear());

async function aProject(project: string): Promise<Release> {
  const file = aProjectFile({ name: project, spec: { app: { secrets: ['db-password'] } } });
  await stage.say('gateway', ProjectApplied, { subject: project, data: { project, version: 1, file, by: admin, reason: '' } });
  return aRelease({ project });
}

async function verified(release: Release): Promise<void> {
  await stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release) });
  await stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release) });
}

const say = (service: 'production-rollout' | 'test-deployer', project: string, version: string | null) =>
  stage.say(service, SecretVersioned, { subject: project, data: { project, secrets: [{ name: 'db-password', version }] } });

const requests = (release: Release) =>
  stage.heard
    .filter((event) => event.name === ApprovalRequested.name)
    .map((event) => ApprovalRequested.data.parse(event.data))
    .filter((data) => data.release.id === release.id);

const boundTo = (version: string, release: Release) => (data: { release: Release; deployment: { app: { secrets: unknown } } }) =>
  data.release.id === release.id && JSON.stringify(data.deployment.app.secrets) === JSON.stringify([{ name: 'db-password', version }]);

describe('a version of a secret', () => {
  it('is bound by the request, and asked for anew when it changes', async () => {
    const release = await aProject('bound');
    await say('production-rollout', 'bound', 'k1');
    await verified(release);
    const first = await stage.hears(ApprovalRequested, boundTo('k1', release));
    await say('production-rollout', 'bound', 'k2');
    const voided = await stage.hears(ApprovalVoided, (data) => data.request === first.request);
    expect(voided).toMatchObject({ reason: { code: 'changed' }, changed: ['secret db-password has a new value'] });
    const second = await stage.hears(ApprovalRequested, boundTo('k2', release));
    expect(second.asks).not.toBe(first.asks);
    expect(JSON.stringify(voided)).not.toMatch(/"k[12]"/);
  });

  it('that is said again, or by the service of the test environments, voids nothing', async () => {
    const release = await aProject('steady');
    await say('production-rollout', 'steady', 'k1');
    await verified(release);
    const { request } = await stage.hears(ApprovalRequested, boundTo('k1', release));
    const again = [await say('production-rollout', 'steady', 'k1'), await say('test-deployer', 'steady', 'other')];
    await Promise.all(again.map((event) => stage.handles('approval', event)));
    expect(requests(release).map((data) => data.request)).toEqual([request]);
    expect(stage.heard.filter((event) => event.name === ApprovalVoided.name && event.subject === release.id)).toEqual([]);
  });

  it('that is not there yet is waited for: nothing is asked until its file is', async () => {
    const release = await aProject('missing');
    await say('production-rollout', 'missing', null);
    await verified(release);
    const voided = await stage.hears(ApprovalVoided, (data) => data.release.id === release.id);
    expect(voided.unasked).toBe(true);
    expect(voided.reason).toMatchObject({ code: 'secret-missing', message: expect.stringContaining('missing/db-password') });
    expect(requests(release)).toEqual([]);
    await say('production-rollout', 'missing', 'k1');
    await stage.hears(ApprovalRequested, boundTo('k1', release));
  });
});
