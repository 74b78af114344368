import { createHmac, createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { SignOffPosted } from '@slipway/contracts';
import { canonicalJson, keyFileIn, loadServiceKey, newPersonKey, type PersonPrivateJwk, signSignOff } from '@slipway/identity';
import { anId, eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { answerTo, recordOf } from './forged.ts';
import { type AttackedProject, aProject, call, joinAs, problemOf, type Somebody } from './world.ts';

let ear: Ear;
let shop: AttackedProject & { drop(): Promise<void> };
let tess: Somebody;
let otto: Somebody;
const keys = { tess: newPersonKey(), otto: newPersonKey(), stranger: newPersonKey() };
type Request = Awaited<ReturnType<Somebody['api']['getApproval']>>;
let request: Request;

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  const where = { target: 'lab', deadline: '120s' } as const;
  shop = await aProject(on, {
    environments: [
      { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200 }] },
      {
        name: 'production',
        stage: 'production',
        after: ['test'],
        ...where,
        approval: { require: [{ role: 'tester' }, { role: 'operator' }], proof: 'key' },
      },
    ],
  });
  tess = await joinAs(on, { name: 'Tess', roles: [{ role: 'tester', project: shop.name }] });
  otto = await joinAs(on, { name: 'Otto', roles: [{ role: 'operator', project: shop.name }] });
  await tess.api.addKey({ body: { jwk: keys.tess.publicJwk } });
  await otto.api.addKey({ body: { jwk: keys.otto.publicJwk } });
  request = await on.administrator.getApproval({ params: { id: await shop.request(1) } });
}, 120_000);
afterAll(async () => {
  await shop?.drop();
  await ear?.close();
});

const claimsOf = (who: Somebody, of: Request = request) => ({
  request: of.request,
  asks: of.asks,
  decision: 'approve' as const,
  comment: '',
  time: new Date().toISOString(),
  nonce: v7() + v7(),
  person: who.person.id,
});

/** A compact JWS of any header over any claims, made as its header says where that is possible. */
function jwsOf(header: object, claims: object, key: PersonPrivateJwk, mac?: string): string {
  const [head, payload] = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const bytes = Buffer.from(`${head}.${payload}`);
  const signature =
    mac === undefined ? signBytes(null, bytes, createPrivateKey({ key, format: 'jwk' })) : createHmac('sha256', mac).update(bytes).digest();
  return `${head}.${payload}.${signature.toString('base64url')}`;
}

/** Posts a sign-off straight to Kafka, as anybody may, and gives the code it was refused with, or `accepted`. */
async function post(jws: string, keyId: string, of = request.request): Promise<string> {
  const id = v7();
  await ear.publish([recordOf(SignOffPosted, request.release.id, { request: of, proof: { via: 'key', keyId, jws } }, { id })]);
  return answerTo(ear, id);
}

describe('Proofs', () => {
  attack(
    'A50',
    {
      input:
        'sign-offs by key: alg none, HS256 with the public key, foreign kid, embedded jwk, wrong typ, crit, b64, changed claims, old, future, others’ keys, another request',
      expected: 'each refused by its own reason; the true one after them is taken, and only once',
      provenBy: [
        {
          file: 'libs/identity/src/sign-off-proof.spec.ts',
          test: 'takes no algorithm but EdDSA, above all not none and not HMAC with the public key',
        },
      ],
      within: 120_000,
    },
    async (on) => {
      const { privateJwk, keyId, publicJwk } = keys.tess;
      const head = { alg: 'EdDSA', typ: 'slipway-sign-off+jws', kid: keyId };
      const claims = () => claimsOf(tess);
      const good = await signSignOff(privateJwk, claims());
      const [h, p, s] = good.split('.') as [string, string, string];
      const swapped = Buffer.from(canonicalJson({ ...claims(), decision: 'reject', comment: 'x' })).toString('base64url');
      const other = await aProject(on, {});
      const foreign = await other.request(1);
      await other.drop();
      const told: Record<string, string> = {
        none: await post(`${Buffer.from('{"alg":"none"}').toString('base64url')}.${p}.`, keyId),
        'HS256 with the public key': await post(jwsOf({ ...head, alg: 'HS256' }, claims(), privateJwk, publicJwk.x), keyId),
        'another kid': await post(jwsOf({ ...head, kid: keys.otto.keyId }, claims(), privateJwk), keyId),
        'jwk in the header': await post(
          jwsOf({ ...head, kid: undefined, jwk: keys.stranger.publicJwk }, claims(), keys.stranger.privateJwk),
          keyId,
        ),
        'jku in the header': await post(jwsOf({ ...head, jku: 'http://169.254.169.254/' }, claims(), keys.stranger.privateJwk), keyId),
        'another typ': await post(jwsOf({ ...head, typ: 'JWT' }, claims(), privateJwk), keyId),
        crit: await post(jwsOf({ ...head, crit: ['exp'], exp: 1 }, claims(), privateJwk), keyId),
        'b64 false': await post(jwsOf({ ...head, crit: ['b64'], b64: false }, claims(), privateJwk), keyId),
        'changed claims': await post(`${h}.${swapped}.${s}`, keyId),
        'six minutes old': await post(await signSignOff(privateJwk, { ...claims(), time: minutes(-6) }), keyId),
        'six minutes ahead': await post(await signSignOff(privateJwk, { ...claims(), time: minutes(6) }), keyId),
        'a key nobody registered': await post(await signSignOff(keys.stranger.privateJwk, claims()), keys.stranger.keyId),
        'signed by a stranger under a registered key': await post(await signSignOff(keys.stranger.privateJwk, claims()), keyId),
        'in the name of another person': await post(await signSignOff(privateJwk, claimsOf(otto)), keyId),
        'for another deployment': await post(await signSignOff(privateJwk, { ...claims(), asks: '0'.repeat(64) }), keyId),
        'over another request': await post(await signSignOff(privateJwk, { ...claims(), request: foreign }), keyId),
        'posted for another request': await post(good, keyId, foreign),
        garbage: await post('a.b', keyId),
        'a field more': await post(jwsOf(head, { ...claims(), role: 'operator' }, privateJwk), keyId),
      };
      expect(told, JSON.stringify(told)).toEqual({
        none: 'wrong-algorithm',
        'HS256 with the public key': 'wrong-algorithm',
        'another kid': 'other-key',
        'jwk in the header': 'bad-signature',
        'jku in the header': 'bad-signature',
        'another typ': 'wrong-type',
        crit: 'malformed',
        'b64 false': expect.stringMatching(/^(malformed|bad-signature|bad-claims)$/),
        'changed claims': 'bad-signature',
        'six minutes old': 'too-old',
        'six minutes ahead': 'in-the-future',
        'a key nobody registered': 'key-unknown',
        'signed by a stranger under a registered key': 'other-key',
        'in the name of another person': 'other-person',
        'for another deployment': 'other-deployment',
        'over another request': 'other-request',
        'posted for another request': 'other-request',
        garbage: 'malformed',
        'a field more': 'bad-claims',
      });
      expect(await post(good, keyId)).toBe('accepted');
      expect(await post(good, keyId)).toBe('replayed');
      expect(await post(await signSignOff(privateJwk, claims()), keyId)).toBe('already-signed');
      // What the gateway shows follows what approval said.
      const shown = async () => (await on.administrator.getApproval({ params: { id: request.request } })).signOffs;
      await eventually(async () => expect(await shown()).not.toHaveLength(0));
      expect(await shown()).toHaveLength(1);
      return `${Object.keys(told).length} forgeries refused, the true one taken once`;
    },
  );

  attack('A53', { input: 'sign off over HTTP where the policy wants a key', expected: 'refused: key-needed' }, async () => {
    const { status, code } = await problemOf(otto.api.signOff({ params: { id: request.request }, body: { decision: 'approve' } }));
    expect([status, code]).toEqual([409, 'key-needed']);
    return '409 key-needed';
  });

  attack(
    'A54',
    {
      input:
        'what the gateway attests of a sign-off over HTTP: posted again, changed, put into another request, attested by another service',
      expected: 'replayed, or bad-signature',
    },
    async (on) => {
      const open = await aProject(on, {});
      const id = await open.request(1);
      await open.drop();
      const operator = await joinAs(on, { roles: [{ role: 'developer', project: open.name }] });
      // Until approval has heard of him: only then is what is attested used up.
      await eventually(async () =>
        expect((await problemOf(operator.api.signOff({ params: { id }, body: { decision: 'approve' } }))).code).toBe('role-missing'),
      );
      const posted = ear.all(SignOffPosted).findLast((data) => data.request === id);
      if (posted?.proof.via !== 'http') throw new Error('nothing was attested');
      const { attestation } = posted.proof;
      const claims = JSON.parse(Buffer.from(attestation.payload, 'base64').toString('utf8')) as Record<string, unknown>;
      const said = (changed: object) => ({
        ...attestation,
        payload: Buffer.from(canonicalJson({ ...claims, ...changed })).toString('base64'),
      });
      const approval = await loadServiceKey(keyFileIn(on.dataDir, 'approval'));
      const { payload } = said({ person: otto.person.id, nonce: v7() });
      const byApproval = {
        ...attestation,
        payload,
        signatures: [await approval.signer.sign(attestation.payloadType, Buffer.from(payload, 'base64'))],
      };
      const forgeries = {
        again: attestation,
        'another person': said({ person: otto.person.id }),
        'another nonce': said({ nonce: v7() }),
        'by approval’s key': byApproval,
      };
      const told: Record<string, string> = {};
      for (const [how, forged] of Object.entries(forgeries)) {
        const record = recordOf(SignOffPosted, anId(), { request: id, proof: { via: 'http', attestation: forged } });
        await ear.publish([record]);
        told[how] = await answerTo(ear, record.headers['ce_id'] as string);
      }
      const elsewhere = recordOf(SignOffPosted, anId(), {
        request: request.request,
        proof: { via: 'http', attestation },
      });
      await ear.publish([elsewhere]);
      told['another request'] = await answerTo(ear, elsewhere.headers['ce_id'] as string);
      expect(told).toEqual({
        again: 'replayed',
        'another person': 'bad-signature',
        'another nonce': 'bad-signature',
        'by approval’s key': 'bad-signature',
        'another request': 'other-request',
      });
      expect((await on.administrator.getApproval({ params: { id } })).signOffs).toEqual([]);
      return Object.entries(told)
        .map(([how, code]) => `${how}: ${code}`)
        .join(', ');
    },
  );

  attack(
    'A56',
    {
      input:
        'register somebody else’s public key, the same in another spelling, a private half, points of small order, RSA, a revoked key; sign with it',
      expected: 'refused; a key that anybody could sign for is no key',
      provenBy: [
        { file: 'libs/identity/src/sign-off-proof.spec.ts', test: 'is registered without its private half, as a key that exists' },
      ],
    },
    async (on) => {
      const x = keys.otto.publicJwk.x;
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const spelt = `${x.slice(0, -1)}${alphabet[(alphabet.indexOf(x.at(-1) as string) & ~3) + ((alphabet.indexOf(x.at(-1) as string) + 1) & 3)]}`;
      const small = [
        '01'.padEnd(64, '0'),
        '00'.repeat(32),
        `ec${'ff'.repeat(30)}7f`,
        '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      ];
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const okp = (value: string) => ({ kty: 'OKP', crv: 'Ed25519', x: value });
      const tries: Record<string, unknown> = {
        'somebody else’s': keys.otto.publicJwk,
        'spelt otherwise': okp(spelt),
        'private half': newPersonKey().privateJwk,
        rsa: publicKey.export({ format: 'jwk' }),
        x25519: { ...okp(x), crv: 'X25519' },
        short: okp('AAAA'),
        ...Object.fromEntries(small.map((hex, at) => [`small order ${at + 1}`, okp(Buffer.from(hex, 'hex').toString('base64url'))])),
      };
      const statuses: Record<string, number> = {};
      for (const [how, jwk] of Object.entries(tries)) {
        const answer = await call(on, '/api/v1/keys', {
          method: 'POST',
          token: tess.token,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ jwk }),
        });
        statuses[how] = answer.status;
      }
      const { 'somebody else’s': others, ...rest } = statuses;
      expect(others).toBe(409);
      expect(new Set(Object.values(rest)), JSON.stringify(statuses)).toEqual(new Set([400]));
      const spare = newPersonKey();
      await tess.api.addKey({ body: { jwk: spare.publicJwk } });
      await tess.api.revokeKey({ params: { id: spare.keyId } });
      expect((await problemOf(otto.api.revokeKey({ params: { id: keys.tess.keyId } }))).status).toBe(404);
      await eventually(async () =>
        expect(await post(await signSignOff(spare.privateJwk, claimsOf(tess)), spare.keyId)).toBe('key-revoked'),
      );
      return `409 for another’s, 400 ${Object.keys(rest).length} times; revoked: key-revoked`;
    },
  );
});

function minutes(count: number): string {
  return new Date(Date.now() + count * 60_000).toISOString();
}
