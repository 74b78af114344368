import {
  ApprovalExpired,
  ApprovalGranted,
  ApprovalPolicy,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  AuditLinked,
  attestationPayloadType,
  CommandAccepted,
  CommandIssued,
  CommitDetected,
  type DataOf,
  GrantStatement,
  grantPayloadType,
  type Person,
  PersonChanged,
  ProjectApplied,
  type Release,
  ReleaseWithdrawn,
  RolloutAborted,
  RolloutFailed,
  RolloutStarted,
  SignOffAccepted,
  SignOffPosted,
  SignOffRefused,
  TargetApplied,
  VerificationPassed,
} from '@slipway/contracts';
import { canonicalJson, newPersonKey, seal, signSignOff } from '@slipway/identity';
import { anId, aPerson, aProjectFile, aRelease, aTargetFile, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalModule } from './approval.module.js';
import { detected, passed } from './said.fixture.js';

const admin = { id: anId(), name: 'Ada' };
const operatorKey = newPersonKey();
const author = aPerson({ name: 'Ann Author', roles: [{ role: 'tester', project: '*' }] });
const tester = aPerson({ name: 'Tess Tester', roles: [{ role: 'tester', project: '*' }] });
const operator: Person = aPerson({
  name: 'Otto Operator',
  roles: [{ role: 'operator', project: '*' }],
  keys: [{ id: operatorKey.keyId, jwk: operatorKey.publicJwk, addedAt: new Date().toISOString(), revokedAt: null }],
});

let stage: Stage;
let number = 0;

beforeAll(async () => {
  stage = await aStage();
  await Promise.all([stage.start(ApprovalModule), stage.start(ApprovalModule)]);
  for (const person of [author, tester, operator])
    await stage.say('gateway', PersonChanged, { subject: person.id, data: { person, version: 1, by: null } });
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: aTargetFile(), by: admin } });
});
afterAll(() => stage.clear());

async function aProject(name: string): Promise<void> {
  await stage.say('gateway', ProjectApplied, {
    subject: name,
    data: { project: name, version: 1, file: aProjectFile({ name }), by: admin, reason: '' },
  });
}

/** A release that has been verified in test, and the request that came of it. */
async function aVerifiedRelease(project: string): Promise<DataOf<typeof ApprovalRequested>> {
  number += 1;
  const release = aRelease({ project, number });
  await say(release);
  return stage.hears(ApprovalRequested, (data) => data.release.id === release.id);
}

async function say(release: Release, from: string | null = null): Promise<void> {
  await sayDetected(release, from);
  await sayPassed(release);
}

const people = [{ name: 'Ann Author', email: 'ann@shop.example', account: null }];

async function sayDetected(release: Release, from: string | null): Promise<void> {
  await stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release, people, { from }) });
}

async function sayPassed(release: Release): Promise<void> {
  await stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release, people) });
}

type Asked = Pick<DataOf<typeof ApprovalRequested>, 'request' | 'asks'>;

async function byKey({ request, asks }: Asked, nonce: string = v7()): Promise<string> {
  const jws = await signSignOff(operatorKey.privateJwk, {
    request,
    asks,
    decision: 'approve',
    comment: '',
    time: new Date().toISOString(),
    nonce,
    person: operator.id,
  });
  return stage.say('gateway', SignOffPosted, { subject: request, data: { request, proof: { via: 'key', keyId: operatorKey.keyId, jws } } });
}

async function refusalOf(posted: string): Promise<string> {
  return (await stage.hears(SignOffRefused, (data) => data.posted === posted)).reason.code;
}

describe('approval', () => {
  it('grants what tester and operator have signed, as one signed statement', async () => {
    await aProject('granted');
    const asked = await aVerifiedRelease('granted');
    expect(asked).toMatchObject({
      environment: 'pre-release',
      require: [{ role: 'tester' }, { role: 'operator' }],
      involved: [{ id: author.id }],
    });
    await stage.signsOff(tester, asked);
    await byKey(asked);
    const granted = await stage.hears(ApprovalGranted, (data) => data.request === asked.request);
    const bytes = Buffer.from(granted.grant.payload, 'base64');
    expect(stage.keys.trust.verify(grantPayloadType, bytes, granted.grant.signatures, { service: 'approval' })).toMatchObject({ ok: true });
    expect(GrantStatement.parse(JSON.parse(bytes.toString()))).toMatchObject({ asks: asked.asks, deployment: asked.deployment });
    expect(
      await stage.database.query('select request, asks from slipway_approval.grants_good_now where request = $1', [asked.request]),
    ).toHaveLength(1);
  });

  it('refuses the author, a stranger, a second vote, a replay and a proof that is not theirs', async () => {
    await aProject('refused');
    const asked = await aVerifiedRelease('refused');
    expect(await refusalOf(await stage.signsOff(author, asked))).toBe('own-change');
    const stranger = await stage.signsOff(aPerson({ name: 'Sam Stranger' }), asked);
    expect(await refusalOf(stranger)).toBe('person-unknown');
    // It was truly signed: were it kept, anybody could say it again once approval knows the person.
    const { data } = stage.heard.find(({ id }) => id === stranger) as { data: DataOf<typeof SignOffPosted> };
    expect(await refusalOf(await stage.say('gateway', SignOffPosted, { subject: asked.request, data }))).toBe('replayed');
    await stage.signsOff(tester, asked);
    expect(await refusalOf(await stage.signsOff(tester, asked))).toBe('already-signed');
    const nonce = v7();
    await byKey({ ...asked, asks: 'f'.repeat(64) }, nonce);
    expect(await refusalOf(await byKey(asked, nonce))).toBe('replayed');
    const forged = await seal(stage.keys.keys.notifier.signer, attestationPayloadType, canonicalJson({}));
    const posted = await stage.say('gateway', SignOffPosted, {
      subject: asked.request,
      data: { request: asked.request, proof: { via: 'http', attestation: forged } },
    });
    expect(await refusalOf(posted)).toBe('bad-signature');
  });

  it('sends a no back with its reason, and asks anew only when a person does, the no in view', async () => {
    await aProject('rejected');
    const asked = await aVerifiedRelease('rejected');
    await stage.signsOff(tester, asked, { decision: 'reject', comment: 'the basket is empty' });
    expect(await stage.hears(ApprovalRejected, (data) => data.request === asked.request)).toMatchObject({
      comment: 'the basket is empty',
      by: { id: tester.id },
      authors: [{ email: 'ann@shop.example' }],
    });
    const command = v7();
    const action = { kind: 'approval.ask', release: asked.release.id, environment: 'pre-release' } as const;
    await stage.say('gateway', CommandIssued, {
      subject: 'rejected/pre-release',
      data: { command, service: 'approval', action, person: admin, role: 'operator', reason: 'mended the data' },
    });
    await stage.hears(CommandAccepted, (data) => data.command === command);
    expect(
      await stage.hears(ApprovalRequested, (data) => data.release.id === asked.release.id && data.request !== asked.request),
    ).toMatchObject({ previous: { request: asked.request } });
  });

  it('leaves an older request open until a newer release is granted', async () => {
    await aProject('superseded');
    const older = await aVerifiedRelease('superseded');
    const newer = await aVerifiedRelease('superseded');
    await stage.hears(ApprovalRequested, (data) => data.request === older.request && data.newerAvailable === newer.release.number);
    await stage.signsOff(tester, newer);
    await stage.signsOff(operator, newer);
    expect(await stage.hears(ApprovalSuperseded, (data) => data.request === older.request)).toMatchObject({ by: { id: newer.release.id } });
  });

  it('voids a grant when a bound part changes, says what, and asks anew', async () => {
    await aProject('voided');
    const asked = await aVerifiedRelease('voided');
    await stage.signsOff(tester, asked);
    await stage.signsOff(operator, asked);
    await stage.hears(ApprovalGranted, (data) => data.request === asked.request);
    const file = aProjectFile({ name: 'voided', spec: { app: { env: { MODE: 'fast' } } } });
    await stage.say('gateway', ProjectApplied, {
      subject: 'voided',
      data: { project: 'voided', version: 2, file, by: admin, reason: 'faster' },
    });
    expect(await stage.hears(ApprovalVoided, (data) => data.request === asked.request)).toMatchObject({
      changed: [expect.stringContaining('app.env.MODE')],
    });
    await stage.hears(ApprovalRequested, (data) => data.release.id === asked.release.id && data.asks !== asked.asks);
    expect(await stage.database.query('select 1 from slipway_approval.grants_good_now where request = $1', [asked.request])).toEqual([]);
  });

  it('leaves what it asked anew alone when the rollout of the voided grant ends', async () => {
    await aProject('echoed');
    const asked = await aVerifiedRelease('echoed');
    await stage.signsOff(tester, asked);
    await stage.signsOff(operator, asked);
    await stage.hears(ApprovalGranted, (data) => data.request === asked.request);
    const env = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`SETTING_${at}`, `${'v'.repeat(110)}${at}`]));
    const file = aProjectFile({ name: 'echoed', spec: { app: { env } } });
    await stage.say('gateway', ProjectApplied, { subject: 'echoed', data: { project: 'echoed', version: 2, file, by: admin, reason: '' } });
    const { changed } = await stage.hears(ApprovalVoided, (data) => data.request === asked.request);
    expect(changed).toHaveLength(60);
    const anew = await stage.hears(ApprovalRequested, (data) => data.release.id === asked.release.id && data.asks !== asked.asks);
    const reason = { code: 'changed', message: 'app.env' };
    const about = { rollout: v7(), kind: 'rollout', release: asked.release, environment: 'pre-release' } as const;
    const data = { ...about, request: asked.request, reason, supersededBy: null };
    const echo = await stage.say('production-rollout', RolloutAborted, { subject: asked.release.id, data });
    await stage.handles('approval', echo);
    await stage.signsOff(tester, anew);
    await stage.signsOff(operator, anew);
    await stage.hears(ApprovalGranted, (granted) => granted.request === anew.request);
  });

  it('expires what soaked without anybody signing', async () => {
    const file = aProjectFile({ name: 'soaked' });
    const approval = ApprovalPolicy.parse({ require: [{ role: 'tester' }], soak: '1s', expires: '3s' });
    const environments = file.spec.environments.map((each) => (each.stage === 'test' ? each : { ...each, approval }));
    await stage.say('gateway', ProjectApplied, {
      subject: 'soaked',
      data: { project: 'soaked', version: 1, file: { ...file, spec: { ...file.spec, environments } }, by: admin, reason: '' },
    });
    const asked = await aVerifiedRelease('soaked');
    await stage.hears(ApprovalExpired, (data) => data.request === asked.request);
  });

  it('lets no withdrawn release in', async () => {
    await aProject('withdrawn');
    const asked = await aVerifiedRelease('withdrawn');
    const data = {
      command: v7(),
      service: 'approval',
      action: { kind: 'release.withdraw', release: asked.release.id },
      person: admin,
      role: 'operator',
      reason: 'a leak',
    } as const;
    await stage.say('gateway', CommandIssued, { subject: asked.release.id, data });
    await stage.hears(ReleaseWithdrawn, (withdrawn) => withdrawn.release.id === asked.release.id);
    expect(await stage.hears(ApprovalVoided, (voided) => voided.request === asked.request)).toMatchObject({
      reason: { code: 'withdrawn' },
    });
  });

  it('asks anew for what failed to roll out, only when a person wants it', async () => {
    await aProject('failed');
    const asked = await aVerifiedRelease('failed');
    await stage.signsOff(tester, asked);
    await stage.signsOff(operator, asked);
    const { grant, release } = await stage.hears(ApprovalGranted, (data) => data.request === asked.request);
    const { grant: id } = GrantStatement.parse(JSON.parse(Buffer.from(grant.payload, 'base64').toString()));
    const about = { rollout: v7(), kind: 'rollout', release, environment: 'pre-release', stage: 'pre-release' } as const;
    const started = { ...about, attempt: 1, grant: id, image: asked.deployment.image, replaces: null };
    await stage.say('production-rollout', RolloutStarted, { subject: release.id, data: started });
    const failed = { ...about, reason: { code: 'crashed', message: 'exit code 1' }, evidence: [], next: 'rollback', authors: [] } as const;
    await stage.say('production-rollout', RolloutFailed, { subject: release.id, data: { ...failed, evidence: [], authors: [] } });
    const command = v7();
    const action = { kind: 'approval.ask', release: release.id, environment: 'pre-release' } as const;
    const data = { command, service: 'approval', action, person: admin, role: 'operator', reason: 'the host was full' } as const;
    await eventually(
      async () =>
        (await stage.database.query('select 1 from slipway_approval.request where id = $1 and grant_used', [asked.request])).length === 1,
    );
    await stage.say('gateway', CommandIssued, { subject: 'failed/pre-release', data });
    await stage.hears(CommandAccepted, (accepted) => accepted.command === command);
    await stage.hears(ApprovalRequested, (again) => again.release.id === release.id && again.request !== asked.request);
  });

  it('asks nobody before it has heard whose change it is', async () => {
    await aProject('unheard');
    const [first, second] = [aRelease({ project: 'unheard', number: 950 }), aRelease({ project: 'unheard', number: 951, revision: 'bee' })];
    await say(second, first.revision);
    await eventually(
      async () => (await stage.database.query(`select 1 from slipway_approval.parked where subject = $1`, [second.id])).length === 1,
    );
    await sayDetected(first, null);
    await stage.hears(ApprovalRequested, (data) => data.release.id === second.id);
  });

  it('asks when the target it lacked is applied at last', async () => {
    const file = aProjectFile({ name: 'late' });
    const spec = { ...file.spec, environments: file.spec.environments.map((environment) => ({ ...environment, target: 'far' })) };
    await stage.say('gateway', ProjectApplied, {
      subject: 'late',
      data: { project: 'late', version: 1, file: { ...file, spec }, by: admin, reason: '' },
    });
    const release = aRelease({ project: 'late', number: 900 });
    await say(release);
    expect(await stage.hears(ApprovalVoided, (data) => data.release.id === release.id)).toMatchObject({
      reason: { code: 'target-unknown' },
    });
    await stage.say('gateway', TargetApplied, {
      subject: 'far',
      data: { target: 'far', version: 1, file: aTargetFile({ name: 'far' }), by: admin },
    });
    await stage.hears(ApprovalRequested, (data) => data.release.id === release.id);
  });

  it('grants by policy what nobody has to sign, and says so', async () => {
    const file = aProjectFile({ name: 'automatic' });
    const environments = file.spec.environments.map((environment) =>
      environment.stage === 'test' ? environment : { ...environment, approval: ApprovalPolicy.parse({}) },
    );
    await stage.say('gateway', ProjectApplied, {
      subject: 'automatic',
      data: { project: 'automatic', version: 1, file: { ...file, spec: { ...file.spec, environments } }, by: admin, reason: '' },
    });
    const asked = await aVerifiedRelease('automatic');
    expect(await stage.hears(ApprovalGranted, (data) => data.request === asked.request)).toMatchObject({ byPolicy: true, signOffs: [] });
  });

  it('records every decision once in a chain without gaps', async () => {
    await stage.hears(SignOffAccepted);
    await stage.hears(
      AuditLinked,
      (data) => data.chain === 'granted' && data.links.some((link) => link.entry['event'] === 'approval.granted'),
    );
    const links = stage.heard
      .filter((event) => event.name === 'audit.linked')
      .flatMap((event) => (event.data as DataOf<typeof AuditLinked>).links);
    for (const chain of new Set(links.map((link) => link.chain))) {
      const own = links.filter((link) => link.chain === chain);
      expect(own.map((link) => link.sequence)).toEqual(own.map((_, at) => at + 1));
      for (const [at, link] of own.entries()) if (at > 0) expect(link.previous).toBe(own[at - 1]?.hash);
    }
  });
});
