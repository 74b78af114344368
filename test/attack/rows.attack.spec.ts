import type { ApiError } from '@slipway/api';
import { ApprovalGranted, CommandIssued, ImageBuilt, RolloutStarted, SignOffPosted, VerificationPassed } from '@slipway/contracts';
import { hashToken, keyFileIn, loadServiceKey, newOneTimeLink, newToken } from '@slipway/identity';
import { Database, schemaOf } from '@slipway/postgres';
import { eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { type Attacked, attacked } from './attacked.ts';
import { attack } from './case.ts';
import { deadOf, recordOf, signedBy } from './forged.ts';
import { type AttackedProject, aProject, call, joinAs, problemOf, type Somebody } from './world.ts';

let ear: Ear;
let shop: AttackedProject & { drop(): Promise<void> };
let otto: Somebody;
/** Open; nobody signs it but at the end. */
let request: Awaited<ReturnType<Somebody['api']['getApproval']>>;

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  shop = await aProject(on);
  otto = await joinAs(on, { name: 'Otto', roles: [{ role: 'operator', project: shop.name }] });
  request = await on.administrator.getApproval({ params: { id: await shop.request(1) } });
}, 120_000);
afterAll(async () => {
  await shop?.drop();
  await ear?.close();
});

/** As somebody who may write to the tables of one service. */
async function inTablesOf<T>(service: 'gateway' | 'approval' | 'production-rollout', work: (tables: Database) => Promise<T>): Promise<T> {
  const tables = await Database.connect({ url: attacked().databaseUrl, schema: schemaOf(service), applicationName: 'attack' });
  try {
    return await work(tables);
  } finally {
    await tables.close();
  }
}

const statusOf = async (on: Attacked, token: string) => (await call(on, '/api/v1/me', { token })).status;
const started = () => ear.all(RolloutStarted).filter(({ release }) => release.id === request.release.id);

describe('What is written into tables', () => {
  attack(
    'A67',
    {
      input:
        'the tables of the gateway: a token for the administrator, without a seal and with that of another row; one’s own token made his; a revoked one made good; one’s own roles raised; a link for him',
      expected: '401 each time: a row lets nobody in without its own seal',
      provenBy: [{ file: 'apps/gateway/src/rows.int.spec.ts', test: 'makes no token for anybody, not by the seal of another one either' }],
    },
    (on) =>
      inTablesOf('gateway', async (tables) => {
        const eve = await joinAs(on, { name: 'Eve', roles: [{ role: 'developer', project: shop.name }] });
        const administrator = (await on.administrator.me({})).id;
        const sealOf = async (token: string) =>
          (await tables.query<{ seal: string | null }>('select seal from token where hash = $1', [hashToken(token)]))[0]?.seal ?? null;
        const planted = [newToken(), newToken()];
        const seals = [null, await sealOf(eve.token)];
        expect(seals[1]).not.toBeNull();
        for (const [at, { hash }] of planted.entries())
          await tables.query('insert into token (id, hash, person, name, seal) values ($1, $2, $3, $4, $5)', [
            ...[v7(), hash, administrator, 'planted', seals[at]],
          ]);
        const statuses = [await statusOf(on, planted[0]?.secret as string), await statusOf(on, planted[1]?.secret as string)];

        const { id: mine, token: secret } = await eve.api.addToken({ body: { name: 'mine' } });
        expect(await statusOf(on, secret)).toBe(200);
        await tables.query('update token set person = $2 where id = $1', [mine, administrator]);
        statuses.push(await statusOf(on, secret));

        const { id: revoked, token: dead } = await eve.api.addToken({ body: { name: 'revoked' } });
        await eve.api.revokeToken({ params: { id: revoked } });
        await tables.query('update token set revoked_at = null where id = $1', [revoked]);
        statuses.push(await statusOf(on, dead));

        const everywhere = JSON.stringify([{ role: 'administrator', project: '*' }]);
        await tables.query(`update person set person = jsonb_set(person, '{roles}', $2::jsonb) where id = $1`, [eve.person.id, everywhere]);
        statuses.push(await statusOf(on, eve.token));

        const link = newOneTimeLink(new Date(), 600_000);
        await tables.query('insert into one_time_link (hash, person, expires_at) values ($1, $2, $3)', [
          ...[link.hash, administrator, link.expiresAt],
        ]);
        const body = JSON.stringify({ code: link.secret });
        const json = { 'content-type': 'application/json' };
        statuses.push((await call(on, '/api/v1/invitations/redeem', { method: 'POST', body, headers: json })).status);
        // What is not believed is told of until it is gone.
        await tables.query('delete from one_time_link where hash = $1', [link.hash]);
        await tables.query('delete from token where hash = any($1) or id = $2', [planted.map(({ hash }) => hash), mine]);
        await tables.query('delete from token where person = $1', [eve.person.id]);
        await tables.query(`update person set person = jsonb_set(person, '{roles}', $2::jsonb) where id = $1`, [
          ...[eve.person.id, JSON.stringify(eve.person.roles)],
        ]);
        expect(statuses).toEqual([401, 401, 401, 401, 401, 401]);
        return '401 six times';
      }),
  );

  attack(
    'A68',
    {
      input:
        'the tables of approval: a developer made an operator, who then signs; an open request overwritten by one that was granted, with its seal and without',
      expected: 'no sign-off, no grant, no rollout; as it was before, the request is signed and goes in',
      within: 180_000,
    },
    (on) =>
      inTablesOf('approval', async (tables) => {
        const eve = await joinAs(on, { name: 'Eve', roles: [{ role: 'developer', project: shop.name }] });
        const id = request.request;
        const sign = (who: Somebody) =>
          who.api.signOff({ params: { id }, body: { decision: 'approve' } }).then(
            ({ state }) => state as string,
            (error: ApiError) => error.problem.code ?? String(error.problem.status),
          );
        await eventually(async () => expect(await sign(eve)).toBe('role-missing'), { within: 20_000 });
        const roles = (given: readonly object[]) =>
          tables.query(`update person set person = jsonb_set(person, '{roles}', $2::jsonb) where id = $1`, [
            ...[eve.person.id, JSON.stringify(given)],
          ]);
        await roles([{ role: 'operator', project: shop.name }]);
        const raised = await sign(eve).finally(() => roles(eve.person.roles));

        const free = await aProject(on);
        const granted = await free.request(1);
        const boss = await joinAs(on, { name: 'Boss', roles: [{ role: 'operator', project: free.name }] });
        await eventually(() => boss.api.signOff({ params: { id: granted }, body: { decision: 'approve' } }), { within: 20_000 });
        await eventually(async () => expect((await on.administrator.getApproval({ params: { id: granted } })).state).toBe('granted'));
        await free.drop();
        const columns = ['state', 'request', 'grant_id', 'grant_not_after', 'grant_used', 'seal'];
        const [was] = await tables.query<Record<string, unknown>>(`select ${columns.join(', ')} from request where id = $1`, [id]);
        const told: string[] = [];
        try {
          for (const seal of ['g.seal', 'null']) {
            await tables.query(
              `update request r set state = g.state, request = g.request, grant_id = $3, grant_not_after = now() + interval '50 min', grant_used = false,
               seal = ${seal} from request g where r.id = $1 and g.id = $2`,
              [id, granted, v7()],
            );
            told.push(await sign(otto));
          }
          expect([raised, ...told]).not.toContain('accepted');
          expect(ear.all(ApprovalGranted).filter((data) => data.request === id)).toEqual([]);
          expect(started()).toEqual([]);
        } finally {
          await tables.query(`update request set ${columns.map((name, at) => `${name} = $${at + 2}`).join(', ')} where id = $1`, [
            ...[id, ...columns.map((name) => (name === 'request' ? JSON.stringify(was?.[name]) : was?.[name]))],
          ]);
        }
        const after = await eventually(
          async () => {
            const said = await sign(otto);
            return started().length === 1 && said;
          },
          { within: 60_000, every: 500 },
        );
        return `raised: ${raised}; overwritten: ${told.join(', ')}; as it was before: in (${after})`;
      }),
  );

  attack(
    'A69',
    {
      input: 'an unsigned grant written straight into the outbox of approval, which is sent by approval itself',
      expected: 'a dead letter: what is said is signed when it is said, not when it is sent',
    },
    () =>
      inTablesOf('approval', async (tables) => {
        const release = request.release.id;
        const data = { ...ear.all(ApprovalGranted)[0], request: request.request, release: request.release, asks: request.asks };
        const before = started().length;
        const { topic, key, value, headers } = recordOf(ApprovalGranted, release, data, { source: 'approval' });
        await tables.query('insert into outbox (event_id, topic, key, shard, headers, value) values ($1, $2, $3, 0, $4, $5)', [
          ...[headers['ce_id'], topic, key, JSON.stringify(headers), String(value)],
        ]);
        expect(await eventually(() => deadOf(ear, headers['ce_id'] as string) ?? false, { within: 30_000 })).toBe(
          'dead letter: bad-signature',
        );
        expect(started()).toHaveLength(before);
        return 'sent, and a dead letter: bad-signature';
      }),
  );

  attack(
    'K56',
    {
      input:
        'an operator replays the dead letter of a forged grant; the same after the record in the table was changed for another forgery',
      expected: 'refused, and it stays a dead letter: a replay believes nothing that was not believed before',
    },
    async (on) => {
      const forged = recordOf(ApprovalGranted, request.release.id, ear.all(ApprovalGranted)[0] ?? {}, { source: 'approval' });
      await ear.publish([forged]);
      await eventually(() => deadOf(ear, forged.headers['ce_id'] as string) ?? false, { within: 20_000 });
      const lies = ear.records.find(({ headers }) => headers['ce_id'] === forged.headers['ce_id']);
      const id = `${lies?.topic}:${lies?.partition}:${lies?.offset}`;
      const before = started().length;
      const replay = () =>
        problemOf(on.administrator.replayDeadLetter({ params: { service: 'production-rollout', id }, body: { reason: 'it may be true' } }));
      const codes = await inTablesOf('production-rollout', async (tables) => {
        const buried = () =>
          tables.query(
            `select 1 from dead_letter where topic || ':' || "partition" || ':' || "offset" = $1 and resolved_at is null and reason = 'bad-signature'`,
            [id],
          );
        await eventually(async () => (await buried()).length === 1, { within: 20_000 });
        const plain = await replay();
        const other = await signedBy(await loadServiceKey(keyFileIn(on.dataDir, 'notifier')), forged);
        await tables.query(
          `update dead_letter set record = record || $2::jsonb where topic || ':' || "partition" || ':' || "offset" = $1`,
          [id, JSON.stringify({ value: (other.value as Buffer).toString('base64'), headers: other.headers })],
        );
        const changed = await replay();
        expect(await buried()).toHaveLength(1);
        return [plain, changed].map((problem) => `${problem.status} ${problem.code}`);
      });
      expect(codes).toEqual(['409 dead-letter-stays', '409 dead-letter-stays']);
      expect(started()).toHaveLength(before);
      return codes.join(', ');
    },
  );

  attack(
    'K57',
    {
      input:
        'decisive events of versions nobody knows yet, unsigned and signed by the notifier, by which a service would wait for its upgrade',
      expected: 'dead letters: only what one of ours signed for itself is parked; images, and their retention, wait for none of it',
      within: 120_000,
    },
    async (on) => {
      const notifier = await loadServiceKey(keyFileIn(on.dataDir, 'notifier'));
      const records = [];
      for (const event of [ApprovalGranted, VerificationPassed, ImageBuilt, SignOffPosted, CommandIssued]) {
        for (const version of [2, 99, 2 ** 31]) {
          const newer = { ...event, type: event.type.replace(/v\d+$/, `v${version}`) };
          const unsigned = recordOf(newer, v7(), {}, { source: event.writer });
          records.push(unsigned, await signedBy(notifier, recordOf(newer, v7(), {}, { source: event.writer })));
        }
      }
      await ear.publish(records);
      const ids = records.map(({ headers }) => headers['ce_id'] as string);
      // The last that each service heard of the topics stands for all before it.
      await shop.repository.commit(`after them ${v7()}`);
      await shop.request(2);
      const schemas = await inTablesOf('approval', (tables) =>
        tables.query<{ schema: string }>(`select table_schema as schema from information_schema.tables where table_name = 'parked'`),
      );
      expect(schemas.length).toBeGreaterThanOrEqual(7);
      const parked = await inTablesOf('approval', async (tables) => {
        const all = await Promise.all(
          schemas.map(({ schema }) =>
            tables.query<{ id: string }>(`select event_id as id from "${schema}".parked where event_id = any($1)`, [ids]),
          ),
        );
        return all.flat();
      });
      expect(parked).toEqual([]);
      const dead = ids.filter((id) => deadOf(ear, id) !== undefined);
      expect(dead.length).toBeGreaterThan(0);
      return `${records.length} records, none parked, ${dead.length} of them told of one by one as dead letters`;
    },
  );
});
