import {
  ApprovalGranted,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  CommandAccepted,
  CommandIssued,
  CommandRefused,
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

let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
  await stage.start(ApprovalModule);
  for (const person of [tess, ann])
    await stage.say('gateway', PersonChanged, { subject: person.id, data: { person, version: 1, by: null } });
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: aTargetFile(), by: admin } });
});
afterAll(() => stage.clear());

async function apply(project: string, version = 1): Promise<void> {
  const environments = aProjectFile().spec.environments.map((each) =>
    each.stage === 'test' ? each : { ...each, approval: { ...each.approval, require: [{ role: 'tester' as const, count: 1 }] } },
  );
  const file = aProjectFile({ name: project, spec: { environments } });
  await stage.say('gateway', ProjectApplied, { subject: project, data: { project, version, file, by: admin, reason: '' } });
}

async function asked(
  release: Release,
  from: string | null,
  people: CommitIdentity[],
  merged: number[] = [],
): Promise<DataOf<typeof ApprovalRequested>> {
  await stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release, people, { from, merged }) });
  await stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release) });
  return stage.hears(ApprovalRequested, (data) => data.release.id === release.id);
}

async function wentBack(to: Release, from: Release): Promise<string> {
  const reason = { code: 'asked-for', message: 'the second one sells nothing' };
  const went = { rollout: anId(), kind: 'rollback', release: to, environment: 'pre-release', stage: 'pre-release', from } as const;
  const data = { ...went, image: imageOf(to), address: 'http://127.0.0.1:20001', reason, by: admin, seconds: 1 };
  return stage.say('production-rollout', RolloutRolledBack, { subject: to.id, data });
}

/** An operator asks for it anew in pre-release. Gives the id of the command. */
async function asksAnew(release: Release): Promise<string> {
  const command = anId();
  const action = { kind: 'approval.ask', release: release.id, environment: 'pre-release' } as const;
  const data = { command, service: 'approval', action, person: admin, role: 'operator', reason: 'once more' } as const;
  await stage.say('gateway', CommandIssued, { subject: `${release.project}/pre-release`, data });
  return command;
}

/** A third release, asked for over a second one that Ann wrote. */
async function asksOverAnns(project: string) {
  const [first, second, third] = [aRelease({ project }), aRelease({ project, number: 2 }), aRelease({ project, number: 3 })];
  await apply(project);
  await stage.signsOff(tess, await asked(first, null, []));
  await letIn(stage, first);
  await stage.signsOff(tess, await asked(second, first.revision, [byAnn]));
  await letIn(stage, second);
  const before = await asked(third, second.revision, []);
  return { first, second, third, before };
}

const voided = (id: string) =>
  stage.heard.some(({ name, data }) => name === ApprovalVoided.name && (data as DataOf<typeof ApprovalVoided>).request === id);

it('asks anew when an older release runs again: more would go in than was signed, and somebody who signed wrote it', async () => {
  const project = 'back';
  const { first, second, third, before } = await asksOverAnns(project);
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

  await wentBack(first, second);
  expect(await stage.hears(ApprovalVoided, ({ request }) => request === before.request)).toMatchObject({
    reason: { code: 'changed', message: 'release 1 runs in pre-release now, and more than was asked for would go in' },
    changed: ['what it replaces: release 2 → release 1'],
    signedBy: [{ id: ann.id, name: ann.name }],
  });
  const anew = await stage.hears(ApprovalRequested, ({ release, request }) => release.id === third.id && request !== before.request);
  expect(anew).toMatchObject({ involved: [{ id: ann.id }], change: { since: { number: 1 }, total: 2 } });
  const posted = await stage.signsOff(ann, anew);
  expect(await stage.hears(SignOffRefused, (refused) => refused.posted === posted)).toMatchObject({ reason: { code: 'own-change' } });
});

it('leaves alone what is asked elsewhere, and what another line that grew from the same release changes nothing of', async () => {
  const project = 'aside';
  const [first, one, other] = ['main', 'one', 'other'].map((line, at) => aRelease({ project, number: at + 1, line })) as [
    Release,
    Release,
    Release,
  ];
  await apply(project);
  await stage.signsOff(tess, await asked(first, null, [byAnn]));
  await letIn(stage, first);
  const beyond = await stage.hears(
    ApprovalRequested,
    ({ release, environment }) => release.id === first.id && environment === 'production',
  );
  const open = await asked(one, first.revision, []);
  await stage.signsOff(tess, await asked(other, first.revision, []));
  await letIn(stage, other);
  expect([open, beyond].filter(({ request }) => voided(request))).toEqual([]);
});

it.each([
  ['what runs has grown from on another line', 'grown', 2, []],
  ['was merged into what runs from another line', 'merged', 1, [2]],
])('lets in no release any more that %s, and asks for none', async (_, project, from, merged) => {
  const [first, second] = [aRelease({ project }), aRelease({ project, number: 2 })];
  const branch = aRelease({ project, number: 3, line: 'fix' });
  await apply(project);
  await stage.signsOff(tess, await asked(first, null, []));
  await letIn(stage, first);
  const waits = await asked(second, first.revision, []);
  await stage.signsOff(tess, waits);
  await stage.hears(ApprovalGranted, ({ release }) => release.id === second.id);
  await stage.signsOff(tess, await asked(branch, (from === 2 ? second : first).revision, [], merged));
  await letIn(stage, branch);
  expect(await stage.hears(ApprovalSuperseded, ({ request }) => request === waits.request)).toMatchObject({
    by: { number: 3 },
    runs: true,
  });
  const command = await asksAnew(second);
  expect(await stage.hears(CommandRefused, (refused) => refused.command === command)).toMatchObject({ reason: { code: 'older' } });
});

it('writes over a row of what runs that is not believed, and asks anew all that was counted from who knows what', async () => {
  const project = 'forged';
  const { first, second, third, before } = await asksOverAnns(project);
  await stage.database.query(`update slipway_approval.standing set release = null where project = $1`, [project]);
  const posted = await wentBack(first, second);
  await stage.handles('approval', posted);
  const anew = await stage.hears(ApprovalRequested, ({ release, request }) => release.id === third.id && request !== before.request);
  expect(anew).toMatchObject({ involved: [{ id: ann.id }], change: { since: { number: 1 } } });
});

it('lets a configuration in after the release of the same commit', async () => {
  const project = 'configured';
  const first = aRelease({ project });
  const configured = aRelease({ project, number: 2, kind: 'configuration', revision: first.revision });
  await apply(project);
  await stage.signsOff(tess, await asked(first, null, []));
  const waits = await asked(configured, null, []);
  await letIn(stage, first);
  await stage.signsOff(tess, waits);
  expect(await stage.hears(ApprovalGranted, ({ release }) => release.id === configured.id)).toMatchObject({ request: waits.request });
});

it('lets the same commit in again from the line it was moved on to', async () => {
  const project = 'moved-on';
  const first = aRelease({ project });
  const moved = aRelease({ project, number: 2, line: 'production', revision: first.revision });
  await apply(project);
  await stage.signsOff(tess, await asked(first, null, []));
  const waits = await asked(moved, first.revision, []);
  await letIn(stage, first);
  await stage.signsOff(tess, waits);
  await letIn(stage, moved);
  const again = aRelease({ project, number: 3, line: 'main', revision: first.revision });
  expect(await asked(again, first.revision, [])).toMatchObject({ environment: 'pre-release' });
});

it('asks anew, in spite of the bar, for what a person had asked for in spite of it, and says why', async () => {
  const { first, second, third, before } = await asksOverAnns('barred');
  await stage.signsOff(tess, before);
  await letIn(stage, third);
  await stage.handles('approval', await wentBack(second, third));
  await asksAnew(third);
  const asks = (...not: string[]) =>
    stage.hears(
      ApprovalRequested,
      (data) => data.release.id === third.id && data.environment === 'pre-release' && !not.includes(data.request),
    );
  const byPerson = await asks(before.request);
  await wentBack(first, second);
  const anew = await asks(before.request, byPerson.request);
  const message = 'the earlier request was voided: release 1 runs in pre-release now, and more than was asked for would go in';
  expect(anew).toMatchObject({ involved: [{ id: ann.id }], previous: { request: byPerson.request, reason: { code: 'changed', message } } });
});

it('leaves nothing asked of what was rolled back from, until a person asks', async () => {
  const project = 'left';
  const [first, second] = [aRelease({ project }), aRelease({ project, number: 2 })];
  await apply(project);
  await stage.signsOff(tess, await asked(first, null, []));
  await letIn(stage, first);
  const { request } = await asked(second, first.revision, []);
  await stage.handles('approval', await wentBack(first, second));
  expect(await stage.hears(ApprovalVoided, (data) => data.request === request)).toMatchObject({ reason: { code: 'barred' } });
  const command = await asksAnew(second);
  await stage.hears(CommandAccepted, (accepted) => accepted.command === command);
});

it('hears what runs though a row of a release is not believed: what it cannot count it takes back, until a person has seen to that', async () => {
  const { first, second, third, before } = await asksOverAnns('unlinked');
  const seal = 'select link_seal from slipway_approval.release where id = $1';
  const [row] = await stage.database.query<{ link_seal: string }>(seal, [second.id]);
  const write = (is: string | undefined) =>
    stage.database.query('update slipway_approval.release set link_seal = $2 where id = $1', [second.id, is]);
  await write('nobody’s');
  await wentBack(first, second);
  const message = `row ${second.id} of table release link is not believed`;
  expect(await stage.hears(ApprovalVoided, ({ request }) => request === before.request)).toMatchObject({
    reason: { code: 'not-believed', message: expect.stringContaining(message) },
  });
  const runs = `select release ->> 'number' as number from slipway_approval.standing where project = 'unlinked' and environment = 'pre-release'`;
  expect(await stage.database.query(runs)).toEqual([{ number: '1' }]);
  await write(row?.link_seal);
  await asksAnew(third);
  const anew = await stage.hears(ApprovalRequested, ({ release, request }) => release.id === third.id && request !== before.request);
  expect(anew).toMatchObject({ involved: [{ id: ann.id }], change: { since: { number: 1 } } });
});

it('hears what runs though the row of its project is not believed, and asks for where that leads once it is applied anew', async () => {
  const project = 'unsealed';
  const first = aRelease({ project });
  await apply(project);
  await stage.signsOff(tess, await asked(first, null, []));
  await stage.hears(ApprovalGranted, ({ release }) => release.id === first.id);
  await stage.database.query(`update slipway_approval.project set seal = 'nobody’s' where name = $1`, [project]);
  await letIn(stage, first);
  const runs = `select release ->> 'number' as number from slipway_approval.standing where project = $1`;
  expect(await stage.database.query(runs, [project])).toEqual([{ number: '1' }]);
  await apply(project, 2);
  await stage.hears(ApprovalRequested, ({ release, environment }) => release.id === first.id && environment === 'production');
});
