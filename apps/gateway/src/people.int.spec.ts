import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { apiClient } from '@slipway/api';
import { PersonChanged, PersonInvited, PersonSignedIn, TokenAdded, TokenRevoked } from '@slipway/contracts';
import { hashToken, newPersonKey, newToken } from '@slipway/identity';
import { anId, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, aScene, problemOf, redeemed, type Scene } from './gateway.fixture.js';

let scene: Scene;
let administrator: Actor;

beforeAll(async () => {
  scene = await aScene();
  administrator = scene.administrator;
});
afterAll(() => scene?.stage.clear());

const stranger = (token?: string) => apiClient({ url: scene.gateway.url, ...(token === undefined ? {} : { token }) });
const linkFile = () => join(scene.stage.environment['SLIPWAY_DATA_DIR'] as string, 'administrator-link');

describe('people', () => {
  it('begin with one administrator, whose link only the owner of the process could read', async () => {
    expect((await stat(linkFile())).mode & 0o777).toBe(0o600);
    expect(await administrator.api.me({})).toMatchObject({ name: 'Ada Administrator', roles: [{ role: 'administrator', project: '*' }] });
    const told = await scene.stage.hears(PersonChanged, (data) => data.person.id === administrator.id);
    expect(told).toMatchObject({ version: 1, by: null });
  });

  it('come in once with a code, and then never again with the same', async () => {
    const added = await administrator.api.addPerson({ body: { name: 'Tess', roles: [{ role: 'tester', project: 'shop' }] } });
    const tess = await redeemed(scene.gateway.url, added.invitation.code);
    expect(tess.id).toBe(added.person.id);
    expect(await problemOf(stranger().redeem({ body: { code: added.invitation.code } }))).toMatchObject({ status: 401, code: 'bad-code' });
    expect(await problemOf(stranger().redeem({ body: { code: `slo_${'x'.repeat(43)}` } }))).toMatchObject({
      status: 401,
      code: 'bad-code',
    });
  });

  it('get a new code, which ends the old one', async () => {
    const added = await administrator.api.addPerson({ body: { name: 'Theo' } });
    const again = await administrator.api.invite({ params: { id: added.person.id } });
    expect((await problemOf(stranger().redeem({ body: { code: added.invitation.code } }))).status).toBe(401);
    expect((await redeemed(scene.gateway.url, again.code)).id).toBe(added.person.id);
  });

  it('are told about, with a version that counts up, whenever something of them changes', async () => {
    const omar = await scene.join('Omar', [{ role: 'operator', project: '*' }]);
    await administrator.api.changePerson({ params: { id: omar.id }, body: { emails: ['omar@shop.example'] } });
    const key = newPersonKey();
    const added = await omar.api.addKey({ body: { jwk: key.publicJwk } });
    expect(added.id).toBe(key.keyId);
    const told = await scene.stage.hears(PersonChanged, (data) => data.person.id === omar.id && data.version === 3);
    expect(told.person).toMatchObject({ emails: ['omar@shop.example'], keys: [{ id: key.keyId, revokedAt: null }] });
    const revoked = await omar.api.revokeKey({ params: { id: key.keyId } });
    expect(revoked.revokedAt).not.toBeNull();
    await scene.stage.hears(PersonChanged, (data) => data.person.id === omar.id && data.version === 4);
    expect((await problemOf(omar.api.addKey({ body: { jwk: key.publicJwk } }))).code).toBe('key-known');
  });

  it('cannot end the key of somebody else, nor see it', async () => {
    const [mine, other] = [await scene.join('Mia', []), await scene.join('Oz', [])];
    const key = newPersonKey();
    await mine.api.addKey({ body: { jwk: key.publicJwk } });
    expect((await problemOf(other.api.revokeKey({ params: { id: key.keyId } }))).status).toBe(404);
    expect((await other.api.listKeys({})).items).toEqual([]);
    expect((await mine.api.listKeys({})).items).toMatchObject([{ id: key.keyId, revokedAt: null }]);
  });

  it('cannot register what is no key', async () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(20) } as const;
    expect(await problemOf(administrator.api.addKey({ body: { jwk } }))).toMatchObject({
      status: 400,
      errors: [{ field: 'jwk.x', message: 'must be 32 bytes in base64url' }, { field: 'jwk.x' }],
    });
  });

  it('are told when they send the private half of a key, which is not registered then', async () => {
    const { privateJwk } = newPersonKey();
    expect(await problemOf(administrator.api.addKey({ body: { jwk: privateJwk } }))).toMatchObject({
      status: 400,
      errors: [{ field: 'jwk.d' }],
    });
  });

  it('keep an administrator', async () => {
    for (const body of [{ roles: [] }, { active: false }]) {
      for (const id of [administrator.id, administrator.id.toUpperCase()]) {
        const said = await problemOf(administrator.api.changePerson({ params: { id }, body }));
        expect(said).toMatchObject({ status: 409, code: 'last-administrator' });
      }
    }
  });

  it('who are no longer active are out at once, with every token', async () => {
    const eve = await scene.join('Eve', [{ role: 'developer', project: 'shop' }]);
    await administrator.api.changePerson({ params: { id: eve.id }, body: { active: false } });
    expect((await problemOf(eve.api.me({}))).status).toBe(401);
  });
});

describe('tokens', () => {
  it('are shown once, listed without their secret, and dead once revoked', async () => {
    const fresh = await administrator.api.addToken({ body: { name: 'laptop', days: 30 } });
    const laptop = stranger(fresh.token);
    expect((await laptop.me({})).id).toBe(administrator.id);
    const listed = await eventually(async () => {
      const found = (await administrator.api.listTokens({})).items.find(({ id }) => id === fresh.id);
      return found?.lastUsedAt ? found : false;
    });
    expect(JSON.stringify(listed)).not.toContain(fresh.token);
    await administrator.api.revokeToken({ params: { id: fresh.id } });
    expect((await problemOf(laptop.me({}))).status).toBe(401);
  });

  it('are stored as hashes only', async () => {
    const fresh = await administrator.api.addToken({ body: { name: 'hashed' } });
    const [row] = await scene.stage.database.query<{ all: string }>(
      'select string_agg(t::text, chr(10)) as all from slipway_gateway.token t',
    );
    expect(row?.all).toContain('hashed');
    expect(row?.all).not.toContain(fresh.token.slice(4));
  });

  it('end when their time is over', async () => {
    const fresh = await administrator.api.addToken({ body: { name: 'short', days: 1 } });
    await scene.stage.database.query('update slipway_gateway.token set expires_at = now() where id = $1', [fresh.id]);
    expect((await problemOf(stranger(fresh.token).me({}))).status).toBe(401);
  });

  it('of others are nobody’s business', async () => {
    const other = await scene.join('Oz', []);
    const mine = await administrator.api.addToken({ body: { name: 'mine' } });
    expect((await problemOf(other.api.revokeToken({ params: { id: mine.id } }))).status).toBe(404);
    expect((await problemOf(other.api.revokeToken({ params: { id: anId() } }))).status).toBe(404);
    expect((await stranger(mine.token).me({})).id).toBe(administrator.id);
  });

  it('that nobody knows are answered alike, and in the end with patience asked for', async () => {
    const first = await problemOf(stranger(newToken().secret).me({}));
    expect(first).toEqual(await problemOf(stranger('nonsense').me({})));
    const statuses = [];
    for (let attempt = 0; attempt < 40; attempt++) statuses.push((await problemOf(stranger(newToken().secret).me({}))).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await administrator.api.me({})).id).toBe(administrator.id);
  });
});

describe('the record', () => {
  const reference = ({ id, name }: Actor) => ({ id, name });

  it('tells who let whom in, and who came in', async () => {
    const first = await scene.stage.hears(PersonSignedIn, ({ person }) => person.id === administrator.id);
    expect(first).toMatchObject({ person: reference(administrator), with: 'administrator-link' });
    const vera = await scene.join('Vera', []);
    const came = await scene.stage.hears(PersonSignedIn, ({ person }) => person.id === vera.id);
    const [token] = (await vera.api.listTokens({})).items;
    expect(came).toEqual({ person: reference(vera), with: 'invitation', token: token?.id, expiresAt: token?.expiresAt });
    const again = await administrator.api.invite({ params: { id: vera.id } });
    const invited = await scene.stage.hears(PersonInvited, (data) => data.person.id === vera.id && data.expiresAt === again.expiresAt);
    expect(invited).toMatchObject({ person: reference(vera), by: reference(administrator) });
  });

  it('tells of every token that was made or revoked, also with its owner, and of none what it is', async () => {
    const wanda = await scene.join('Wanda', []);
    const { id, token, expiresAt } = await wanda.api.addToken({ body: { name: 'robot', days: null } });
    const made = await scene.stage.hears(TokenAdded, (data) => data.token === id);
    expect(made).toEqual({ person: reference(wanda), token: id, name: 'robot', expiresAt });
    const lost = await wanda.api.addToken({ body: { name: 'lost' } });
    await wanda.api.revokeToken({ params: { id: lost.id } });
    const revoked = await scene.stage.hears(TokenRevoked, (data) => data.token === lost.id);
    expect(revoked).toEqual({ person: reference(wanda), token: lost.id, name: 'lost', by: reference(wanda) });
    await administrator.api.changePerson({ params: { id: wanda.id }, body: { active: false } });
    const ended = await scene.stage.hears(TokenRevoked, (data) => data.token === id);
    expect(ended).toMatchObject({ by: reference(administrator) });
    const told = JSON.stringify(scene.stage.heard);
    expect(told).toContain('"robot"');
    for (const secret of [token, lost.token, wanda.token]) {
      expect(told).not.toContain(secret);
      expect(told).not.toContain(hashToken(secret));
    }
  });
});
