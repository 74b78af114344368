import {
  ApprovalGranted,
  ApprovalRequested,
  AuditLinked,
  CommitDetected,
  type DataOf,
  type Person,
  PersonChanged,
  ProjectApplied,
  SignOffAccepted,
  SignOffPosted,
  SignOffRefused,
  TargetApplied,
  VerificationPassed,
} from '@slipway/contracts';
import { newPersonKey, signSignOff } from '@slipway/identity';
import { anId, aPerson, aProjectFile, aRelease, aTargetFile, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalModule } from './approval.module.js';
import { detected, passed } from './said.fixture.js';

const own = 'slipway_approval';
const admin = { id: anId(), name: 'Ada' };
const tester = aPerson({ name: 'Tess Tester', roles: [{ role: 'tester', project: '*' }] });
const operator = aPerson({ name: 'Otto Operator', roles: [{ role: 'operator', project: '*' }] });
const key = newPersonKey();
/** Who can write to approval's tables, and wants a release in production. */
const mallory: Person = aPerson({
  name: 'Mallory',
  roles: [
    { role: 'operator', project: '*' },
    { role: 'tester', project: '*' },
  ],
  keys: [{ id: key.keyId, jwk: key.publicJwk, addedAt: new Date().toISOString(), revokedAt: null }],
});

let stage: Stage;
let number = 0;

beforeAll(async () => {
  stage = await aStage();
  await stage.start(ApprovalModule);
  for (const person of [tester, operator])
    await stage.handles(
      'approval',
      await stage.say('gateway', PersonChanged, { subject: person.id, data: { person, version: 1, by: null } }),
    );
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: aTargetFile(), by: admin } });
});
afterAll(() => stage.clear());

const people = [{ name: 'Ann Author', email: 'ann@shop.example', account: null }];

/** A release of a new project that is asked for. */
async function asked(project: string, authors: typeof people = []): Promise<DataOf<typeof ApprovalRequested>> {
  const data = { project, version: 1, file: aProjectFile({ name: project }), by: admin, reason: '' };
  await stage.handles('approval', await stage.say('gateway', ProjectApplied, { subject: project, data }));
  return verified(project, authors);
}

async function born(project: string, authors: typeof people = []) {
  number += 1;
  const release = aRelease({ project, number });
  await stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release, authors) });
  return { release, said: await stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release) }) };
}

async function verified(project: string, authors: typeof people = []): Promise<DataOf<typeof ApprovalRequested>> {
  const { release } = await born(project, authors);
  return stage.hears(ApprovalRequested, (data) => data.release.id === release.id);
}

const granted = (of: { request: string }) =>
  stage.heard.filter(({ name, data }) => name === ApprovalGranted.name && (data as { request: string }).request === of.request);
const write = (sql: string, params: unknown[] = []) => stage.database.query(sql.replaceAll('$own', own), params);
/** Why approval could not take an event. */
const buried = (event: string) =>
  eventually(
    async () => {
      const [letter] = (await write('select detail from $own.dead_letter where event_id = $1', [event])) as { detail: string }[];
      return letter?.detail ?? false;
    },
    { within: 30_000 },
  );

describe('who can write to the tables of approval', () => {
  it('makes nobody a person who may sign', async () => {
    const request = await asked('a-person');
    await write('insert into $own.person (id, version, person) values ($1, 1, $2)', [mallory.id, JSON.stringify(mallory)]);
    expect(await buried(await stage.signsOff(mallory, request))).toContain(
      `row ${mallory.id} of table person is not believed: it has no seal`,
    );
    const jws = await signSignOff(key.privateJwk, {
      ...{ request: request.request, asks: request.asks, decision: 'approve', comment: '', person: mallory.id, nonce: v7() },
      time: new Date().toISOString(),
    });
    const proof = { via: 'key' as const, keyId: key.keyId, jws };
    const posted = await stage.say('gateway', SignOffPosted, { subject: request.request, data: { request: request.request, proof } });
    expect((await stage.hears(SignOffRefused, (data) => data.posted === posted)).reason.code).toBe('key-unknown');
    await write('delete from $own.person where id = $1', [mallory.id]);
  });

  it('gives nobody another role, by the seal of another row neither', async () => {
    const request = await asked('a-role');
    const promoted = { ...tester, roles: mallory.roles };
    await write('update $own.person set person = $2, seal = (select seal from $own.person where id = $3) where id = $1', [
      tester.id,
      JSON.stringify(promoted),
      operator.id,
    ]);
    expect(await buried(await stage.signsOff(tester, request))).toContain('its seal is not of what it says');
    expect(granted(request)).toEqual([]);
    // Said anew by the gateway, the row is what it was said to be.
    const again = { subject: tester.id, data: { person: tester, version: 2, by: null } };
    await stage.handles('approval', await stage.say('gateway', PersonChanged, again));
  });

  it('moves no request on', async () => {
    const request = await asked('a-request');
    await stage.signsOff(tester, request);
    await stage.hears(SignOffAccepted, (data) => data.request === request.request);
    const policy = `jsonb_set(request, '{policy,require}', '[]')`;
    for (const change of [
      `request = ${policy}`,
      `request = jsonb_set(request, '{signOffs,0,person,id}', '"${operator.id}"')`,
      'number = 99',
    ]) {
      const [before] = await write('select request, number from $own.request where id = $1', [request.request]);
      await write(`update $own.request set ${change} where id = $1`, [request.request]);
      expect(await buried(await stage.signsOff(operator, request))).toContain(`row ${request.request} of table request is not believed`);
      const { request: was, number: then } = before as { request: unknown; number: number };
      await write('update $own.request set request = $2, number = $3 where id = $1', [request.request, JSON.stringify(was), then]);
    }
    expect(granted(request)).toEqual([]);
    // Put back as it was, it is believed again.
    await stage.signsOff(operator, request);
    await stage.hears(ApprovalGranted, (data) => data.request === request.request);
  });

  it('takes the sign-offs out of no project, and passes no release on', async () => {
    await asked('a-policy');
    const [before] = (await write('select file from $own.project where name = $1', ['a-policy'])) as { file: unknown }[];
    await write(`update $own.project set file = jsonb_set(file, '{spec,environments,1,approval,require}', '[]') where name = 'a-policy'`);
    const { release, said } = await born('a-policy');
    expect(await buried(said)).toContain('row a-policy of table project is not believed');
    await write('update $own.project set file = $2 where name = $1', ['a-policy', JSON.stringify(before?.file)]);
    const other = await verified('a-policy');
    await write(
      `insert into $own.passage (release, environment, project, facts, passed_at)
       select release, 'pre-release', project, facts || '{"environment": "pre-release"}', now() from $own.passage where release = $1`,
      [other.release.id],
    );
    await stage.handles(
      'approval',
      await stage.say('test-deployer', VerificationPassed, { subject: other.release.id, data: passed(other.release) }),
    );
    const asks = stage.heard
      .filter(({ name }) => name === ApprovalRequested.name)
      .map(({ data }) => data as DataOf<typeof ApprovalRequested>);
    expect(asks.filter((each) => each.release.id === release.id || each.environment === 'production')).toEqual([]);
    expect(stage.heard.filter(({ name, data }) => name === ApprovalGranted.name && JSON.stringify(data).includes('a-policy'))).toEqual([]);
  });

  it('hides nobody whose change it is', async () => {
    const first = await asked('an-author', people);
    await write(`update $own.release set people = '[]' where id = $1`, [first.release.id]);
    const { said } = await born('an-author');
    expect(await buried(said)).toContain(`row ${first.release.id} of table release is not believed`);
    await write(`update $own.release set line = 'other' where id = $1`, [first.release.id]);
    // Heard before its release is, it waits; then it is a dead letter like any other.
    number += 1;
    const release = aRelease({ project: 'an-author', number });
    const early = await stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release) });
    await eventually(async () => (await write('select 1 from $own.parked where event_id = $1', [early])).length > 0);
    await stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release) });
    expect(await buried(early)).toContain('of table release link is not believed');
  });

  it('has nothing said and nothing recorded that approval did not say', async () => {
    const request = await asked('an-outbox');
    const event = anId();
    const headers = {
      ce_specversion: '1.0',
      ce_id: event,
      ce_source: 'approval',
      ce_type: 'slipway.approval.granted.v1',
      ce_subject: request.release.id,
    };
    await write(
      `insert into $own.outbox (event_id, topic, key, shard, headers, value)
       select $1, topic, $2, shard, headers || $3::jsonb, value from $own.outbox where headers ->> 'ce_type' like '%approval.requested%' order by id desc limit 1`,
      [event, request.release.id, JSON.stringify(headers)],
    );
    await write(
      `insert into $own.audit_pending (event, chain, at, entry) values ($1, 'an-outbox', now(), '{"event": "approval.granted"}')`,
      [event],
    );
    await eventually(
      async () => (await write('select 1 from $own.outbox where event_id = $1 and published_at is not null', [event])).length > 0,
    );
    const refused = `select 1 from slipway_notifier.dead_letter where type = 'slipway.approval.granted.v1' and reason = 'bad-signature'`;
    await eventually(async () => (await write(refused)).length > 0);
    await stage.signsOff(tester, request);
    await stage.hears(AuditLinked, (data) => data.chain === 'an-outbox' && JSON.stringify(data.links).includes('sign-off.accepted'));
    const linked = stage.heard.filter(({ name, data }) => name === AuditLinked.name && JSON.stringify(data).includes('approval.granted'));
    expect(linked.filter(({ data }) => (data as DataOf<typeof AuditLinked>).chain === 'an-outbox')).toEqual([]);
    expect(await write('select 1 from $own.audit_pending where event = $1 and refused_at is not null', [event])).toHaveLength(1);
    expect(granted(request)).toEqual([]);
  });
});
