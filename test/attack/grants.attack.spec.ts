import { ApprovalGranted, CommandAccepted, CommandIssued, type DataOf, RolloutStarted } from '@slipway/contracts';
import { canonicalJson, keyFileIn, loadServiceKey, payloadTypes } from '@slipway/identity';
import type { InRecord, OutRecord } from '@slipway/messaging';
import { Database, schemaOf } from '@slipway/postgres';
import { aKeyRing, eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { deadOf, heard, recordOf, signedBy } from './forged.ts';
import { type AttackedProject, aProject, type Somebody } from './world.ts';

let ear: Ear;
let shop: AttackedProject & { drop(): Promise<void> };
/** Open, and never signed by anybody. */
let request: Awaited<ReturnType<Somebody['api']['getApproval']>>;
/** A true approval.granted, of a release that went in by policy. */
let granted: InRecord;

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  shop = await aProject(on, {});
  request = await on.administrator.getApproval({ params: { id: await shop.request(1) } });
  const where = { target: 'lab', deadline: '120s' } as const;
  const free = await aProject(on, {
    environments: [
      { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200 }] },
      { name: 'production', stage: 'production', after: ['test'], ...where },
    ],
  });
  granted = await heard(
    ear,
    ({ headers, value }) => headers['ce_type'] === ApprovalGranted.type && String(value).includes(`"${free.name}"`),
  );
  await free.drop();
}, 120_000);
afterAll(async () => {
  await shop?.drop();
  await ear?.close();
});

describe('Grants', () => {
  attack(
    'A10',
    {
      input:
        'approval.granted on Kafka, well-formed: unsigned, by the notifier’s key, a true grant for another release around it, a rewritten statement',
      expected: 'nobody acts on it: dead letters, no rollout',
      provenBy: [{ file: 'test/faults/forgeries.e2e.spec.ts', test: 'is refused by everyone who would act on it, however it was made' }],
    },
    async (on) => {
      const notifier = await loadServiceKey(keyFileIn(on.dataDir, 'notifier'));
      const target = request.release;
      const data = { ...JSON.parse(String(granted.value)), request: request.request, release: target, asks: request.asks } as DataOf<
        typeof ApprovalGranted
      >;
      const statement = {
        ...JSON.parse(Buffer.from(data.grant.payload, 'base64').toString('utf8')),
        request: request.request,
        deployment: request.deployment,
        asks: request.asks,
        grant: v7(),
      } as object;
      const payload = Buffer.from(canonicalJson(statement));
      const resealed = {
        ...data,
        grant: {
          ...data.grant,
          payload: payload.toString('base64'),
          signatures: [await notifier.signer.sign(data.grant.payloadType, payload)],
        },
      };
      const unsigned = recordOf(ApprovalGranted, target.id, data, { source: 'approval' });
      const byNotifier = await signedBy(notifier, recordOf(ApprovalGranted, target.id, resealed, { source: 'approval' }));
      const inItsName = await signedBy(notifier, recordOf(ApprovalGranted, target.id, resealed, { source: 'notifier' }));
      const records = [unsigned, byNotifier, inItsName];
      await ear.publish(records);
      for (const { headers } of records)
        expect(await eventually(() => deadOf(ear, headers['ce_id'] as string) ?? false)).toBe('dead letter: bad-signature');
      expect(ear.all(RolloutStarted).filter(({ release }) => release.id === target.id)).toEqual([]);
      return 'dead letter: bad-signature, three times; no rollout';
    },
  );

  attack(
    'A14',
    {
      input:
        'whoever has approval’s key says the same grant five times under other event ids; a true one is played again; a grant of another installation’s approval',
      expected: 'one deployment; the other installation’s is a dead letter',
      provenBy: [{ file: 'apps/production-rollout/src/production-rollout.int.spec.ts', test: 'begins nothing by a forged grant' }],
    },
    async (on) => {
      const data = JSON.parse(String(granted.value)) as DataOf<typeof ApprovalGranted>;
      const started = () => ear.all(RolloutStarted).filter(({ release }) => release.id === data.release.id);
      await eventually(() => expect(started()).toHaveLength(1), { within: 30_000 });
      const approval = await loadServiceKey(keyFileIn(on.dataDir, 'approval'));
      const again = await Promise.all(
        Array.from({ length: 5 }, async () => signedBy(approval, recordOf(ApprovalGranted, data.release.id, data, { source: 'approval' }))),
      );
      await ear.publish([
        ...again,
        { topic: granted.topic, key: data.release.id, value: granted.value as Buffer, headers: granted.headers },
      ]);
      const ids = again.map(({ headers }) => headers['ce_id'] as string);
      const answered = (id: string) =>
        deadOf(ear, id) !== undefined ||
        ear.records.some(({ headers }) => headers['ce_source'] === 'production-rollout' && headers['ce_causationid'] === id);
      await eventually(() => ids.every(answered), { within: 20_000 });
      const ring = await aKeyRing();
      try {
        const foreign = await signedBy(ring.keys.approval, recordOf(ApprovalGranted, data.release.id, data, { source: 'approval' }));
        await ear.publish([foreign]);
        expect(await eventually(() => deadOf(ear, foreign.headers['ce_id'] as string) ?? false)).toBe('dead letter: bad-signature');
      } finally {
        await ring.drop();
      }
      expect(started()).toHaveLength(1);
      return 'heard six times more, and once from a stranger; one rollout';
    },
  );

  attack(
    'A11',
    {
      input:
        'rows written straight into tables: a granted request without a sign-off in approval’s, a waiting rollout with an unsigned grant in production-rollout’s',
      expected: 'production-rollout begins nothing: it believes signatures, and rows with its own seal',
    },
    async (on) => {
      const data = JSON.parse(String(granted.value)) as DataOf<typeof ApprovalGranted>;
      const grant = { id: v7(), issuedAt: new Date().toISOString(), notAfter: new Date(Date.now() + 3_000_000).toISOString(), used: false };
      const own = await Database.connect({ url: on.databaseUrl, schema: schemaOf('approval'), applicationName: 'attack' });
      const theirs = await Database.connect({ url: on.databaseUrl, schema: schemaOf('production-rollout'), applicationName: 'attack' });
      const [was] = await own.query('select state, request, grant_id, grant_not_after from request where id = $1', [request.request]);
      try {
        await own.query(
          `update request set state = 'granted', grant_id = $2, grant_not_after = now() + interval '50 min',
             request = request || jsonb_build_object('state', 'granted', 'grant', $3::jsonb) where id = $1`,
          [request.request, grant.id, JSON.stringify(grant)],
        );
        expect(await own.query('select 1 from grants_good_now where grant_id = $1', [grant.id])).toHaveLength(1);
        const statement = {
          grant: grant.id,
          request: request.request,
          deployment: request.deployment,
          asks: request.asks,
          issuedAt: grant.issuedAt,
          passedAt: grant.issuedAt,
          notAfter: grant.notAfter,
          signOffs: [],
        };
        const envelope = {
          payloadType: payloadTypes.grant,
          payload: Buffer.from(canonicalJson(statement)).toString('base64'),
          signatures: data.grant.signatures,
        };
        const rollout = {
          ...{
            id: v7(),
            kind: 'rollout',
            state: 'waiting',
            attempt: 0,
            asked: null,
            startedAt: null,
            createdAt: grant.issuedAt,
            authors: [],
          },
          ...{ project: shop.name, environment: 'production', release: request.release, deployment: request.deployment },
          grant: {
            id: grant.id,
            request: request.request,
            asks: request.asks,
            issuedAt: grant.issuedAt,
            envelope,
            provenance: data.provenance,
            verdict: data.verdict,
            heardAt: grant.issuedAt,
          },
        };
        await theirs.query(
          `insert into rollout (id, project, environment, release, request, state, rollout) values ($1, $2, 'production', $3, $4, 'waiting', $5)`,
          [rollout.id, shop.name, request.release.id, request.request, JSON.stringify(rollout)],
        );
        await theirs.query(
          `insert into operation (id, kind, key, input, due_at, first_due_at) values ($1, 'rollout', $2, $3, now(), now())`,
          [v7(), rollout.id, JSON.stringify({ rollout: rollout.id })],
        );
        const error = await eventually(
          async () => {
            const [found] = await theirs.query<{ last_error: string | null }>('select last_error from operation where key = $1', [
              rollout.id,
            ]);
            return found?.last_error ?? false;
          },
          { within: 30_000 },
        );
        expect(error).toContain('is not believed');
        expect(ear.all(RolloutStarted).filter(({ release }) => release.id === request.release.id)).toEqual([]);
        return `the planted rollout was looked at and ${/is not believed: [^.]*/.exec(error)?.[0]}; nothing was started`;
      } finally {
        await theirs.query("delete from operation where input ->> 'rollout' in (select id::text from rollout where seal is null)");
        await theirs.query('delete from rollout where seal is null');
        // As it was, it is believed again, and its time goes on.
        await own.query('update request set state = $2, request = $3, grant_id = $4, grant_not_after = $5 where id = $1', [
          ...[request.request, was?.['state'], JSON.stringify(was?.['request']), was?.['grant_id'], was?.['grant_not_after']],
        ]);
        await own.close();
        await theirs.close();
      }
    },
  );

  attack(
    'A55',
    {
      input: 'a true command played again, under another id, and with another action',
      expected: 'answered once; the others are dead letters',
    },
    async (on) => {
      const { command } = await on.administrator.refreshProject({ params: { name: shop.name }, body: { reason: 'to be played again' } });
      const issued = await heard(
        ear,
        (record) => record.headers['ce_type'] === CommandIssued.type && String(record.value).includes(command),
      );
      const renamed = { ...issued.headers, ce_id: v7() };
      const value = issued.value as Buffer;
      const scaled = Buffer.from(String(value).replace('source.refresh', 'release.cancel'));
      const back = (headers: Record<string, string>, bytes: Buffer): OutRecord => ({
        topic: issued.topic,
        key: issued.headers['ce_subject'] as string,
        value: bytes,
        headers,
      });
      const mark = v7();
      await ear.publish([back({ ...issued.headers }, value), back(renamed, value), back({ ...issued.headers, ce_id: mark }, scaled)]);
      expect(await eventually(() => deadOf(ear, renamed['ce_id'] as string) ?? false)).toBe('dead letter: bad-signature');
      expect(await eventually(() => deadOf(ear, mark) ?? false)).toBe('dead letter: bad-signature');
      expect(new Set(ear.all(CommandAccepted).filter((data) => data.command === command)).size).toBe(1);
      return 'accepted once; two dead letters';
    },
  );
});
