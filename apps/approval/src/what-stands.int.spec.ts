import {
  ApprovalRequested,
  ApprovalVoided,
  CommitDetected,
  type CommitIdentity,
  type DataOf,
  PersonChanged,
  ProjectApplied,
  type Release,
  RolloutRolledBack,
  RolloutSucceeded,
  SignOffRefused,
  TargetApplied,
  VerificationPassed,
} from '@slipway/contracts';
import { anId, aPerson, aProjectFile, aRelease, aTargetFile, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApprovalModule } from './approval.module.js';
import { detected, imageOf, letIn, passed } from './said.fixture.js';

const admin = { id: anId(), name: 'Ada' };
const tester = { role: 'tester', project: '*' } as const;
const tess = aPerson({ name: 'Tess', roles: [tester] });
const ann = aPerson({ name: 'Ann', emails: ['ann@shop.example'], roles: [tester] });
const byAnn = { name: 'Ann', email: 'ann@shop.example', account: null };
const project = 'back';
const [first, second, third] = [aRelease({ project }), aRelease({ project, number: 2 }), aRelease({ project, number: 3 })];

let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
  await stage.start(ApprovalModule);
  for (const person of [tess, ann])
    await stage.say('gateway', PersonChanged, { subject: person.id, data: { person, version: 1, by: null } });
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: aTargetFile(), by: admin } });
  const environments = aProjectFile().spec.environments.map((each) =>
    each.stage === 'test' ? each : { ...each, approval: { ...each.approval, require: [{ role: 'tester' as const, count: 1 }] } },
  );
  const file = aProjectFile({ name: project, spec: { environments } });
  await stage.say('gateway', ProjectApplied, { subject: project, data: { project, version: 1, file, by: admin, reason: '' } });
});
afterAll(() => stage.clear());

async function asked(release: Release, from: string | null, people: CommitIdentity[]): Promise<DataOf<typeof ApprovalRequested>> {
  await stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release, people, { from }) });
  await stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release) });
  return stage.hears(ApprovalRequested, (data) => data.release.id === release.id);
}

it('asks anew when an older release runs again: more would go in than was signed, and somebody who signed wrote it', async () => {
  await stage.signsOff(tess, await asked(first, null, []));
  await letIn(stage, first);
  await stage.signsOff(tess, await asked(second, first.revision, [byAnn]));
  await letIn(stage, second);
  const before = await asked(third, second.revision, []);
  expect(before).toMatchObject({ involved: [], change: { since: { number: 2 }, total: 1 } });
  await stage.signsOff(ann, before);
  const heardTo = async () => {
    const view = 'select heard_to from slipway_approval.grants_good_now where request = $1';
    return eventually(async () => (await stage.database.query<{ heard_to: Date }>(view, [before.request]))[0]?.heard_to ?? false);
  };
  const said = stage.heard.find(
    ({ name, data }) => name === RolloutSucceeded.name && (data as { release: Release }).release.id === second.id,
  );
  expect(await heardTo()).toEqual(new Date(said?.time ?? ''));

  const reason = { code: 'asked-for', message: 'the second one sells nothing' };
  const went = {
    rollout: anId(),
    kind: 'rollback',
    release: first,
    environment: 'pre-release',
    stage: 'pre-release',
    from: second,
  } as const;
  const data = { ...went, image: imageOf(first), address: 'http://127.0.0.1:20001', reason, by: admin, seconds: 1 };
  await stage.say('production-rollout', RolloutRolledBack, { subject: first.id, data });
  expect(await stage.hears(ApprovalVoided, ({ request }) => request === before.request)).toMatchObject({
    reason: { code: 'changed', message: 'release 1 runs in pre-release again, and more than was asked for would go in' },
    changed: ['what it replaces: release 2 → release 1'],
  });
  const anew = await stage.hears(ApprovalRequested, ({ release, request }) => release.id === third.id && request !== before.request);
  expect(anew).toMatchObject({ involved: [{ id: ann.id }], change: { since: { number: 1 }, total: 2 } });
  const posted = await stage.signsOff(ann, anew);
  expect(await stage.hears(SignOffRefused, (refused) => refused.posted === posted)).toMatchObject({ reason: { code: 'own-change' } });
});
