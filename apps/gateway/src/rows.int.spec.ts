import { apiClient } from '@slipway/api';
import { CommandIssued, PersonSignedIn, ProjectApplied, TokenAdded } from '@slipway/contracts';
import { newOneTimeLink, newToken } from '@slipway/identity';
import { aPerson, aProjectFile } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, aScene, problemOf, type Scene } from './gateway.fixture.js';

const own = 'slipway_gateway';
const mallory = aPerson({ name: 'Mallory', roles: [{ role: 'administrator', project: '*' }] });
let scene: Scene;
let tess: Actor;

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
  tess = await scene.join('Tess', [{ role: 'tester', project: 'shop' }]);
});
afterAll(() => scene?.stage.clear());

const write = (sql: string, params: unknown[] = []) => scene.stage.database.query(sql.replaceAll('$own', own), params);
const as = (token: string) => apiClient({ url: scene.gateway.url, token });
const addToken = (hash: string, person: string) =>
  write(`insert into $own.token (id, hash, person, name, seal) values ($1, $2, $3, 'x', (select seal from $own.token limit 1))`, [
    v7(),
    hash,
    person,
  ]);

describe('who can write to the tables of the gateway', () => {
  it('makes no token for anybody, not by the seal of another one either', async () => {
    const { secret, hash } = newToken();
    await addToken(hash, scene.administrator.id);
    expect(await problemOf(as(secret).me({}))).toMatchObject({ status: 401, code: 'no-token' });
    const [{ id }] = (await write('select id from $own.token where person = $1', [tess.id])) as [{ id: string }];
    const belongsTo = (person: string) => write('update $own.token set person = $2 where id = $1', [id, person]);
    await belongsTo(scene.administrator.id);
    expect(await problemOf(tess.api.me({}))).toMatchObject({ status: 401 });
    await belongsTo(tess.id);
    expect(await tess.api.me({})).toMatchObject({ id: tess.id });
  });

  it('makes nobody an administrator', async () => {
    await write('insert into $own.person (id, version, person) values ($1, 1, $2)', [mallory.id, JSON.stringify(mallory)]);
    const { secret, hash } = newToken();
    await addToken(hash, mallory.id);
    expect(await problemOf(as(secret).me({}))).toMatchObject({ status: 401 });
    const people = await scene.administrator.api.listPeople({});
    expect(people.items.map(({ name }) => name)).not.toContain('Mallory');
    const joined = await scene.join('Paul', [{ role: 'tester', project: 'shop' }]);
    await write(`update $own.person set person = jsonb_set(person, '{roles}', $2) where id = $1`, [
      joined.id,
      JSON.stringify(mallory.roles),
    ]);
    expect(await problemOf(joined.api.me({}))).toMatchObject({ status: 401 });
  });

  it('lets nobody in by a code', async () => {
    for (const person of [scene.administrator.id, null]) {
      const { secret, hash, expiresAt } = newOneTimeLink(new Date(), 3_600_000);
      await write('insert into $own.one_time_link (hash, person, expires_at) values ($1, $2, $3)', [hash, person, expiresAt]);
      expect(await problemOf(apiClient({ url: scene.gateway.url }).redeem({ body: { code: secret } }))).toMatchObject({ code: 'bad-code' });
    }
  });

  it('brings back no token that was revoked', async () => {
    const { token, id } = await scene.administrator.api.addToken({ body: { name: 'ci', days: 1 } });
    expect(await as(token).me({})).toMatchObject({ id: scene.administrator.id });
    await scene.administrator.api.revokeToken({ params: { id } });
    await write('update $own.token set revoked_at = null where id = $1', [id]);
    expect(await problemOf(as(token).me({}))).toMatchObject({ status: 401 });
  });

  it('has nothing said in anybody’s name, and doctor tells of it', async () => {
    const names: readonly string[] = [CommandIssued.name, ProjectApplied.name, TokenAdded.name, PersonSignedIn.name];
    const said = scene.stage.heard.filter(({ name, data }) => names.includes(name) && JSON.stringify(data).includes(mallory.id));
    expect(said).toEqual([]);
    await write(`update $own.project set file = $1 where name = 'shop'`, [JSON.stringify(aProjectFile({ name: 'other' }))]);
    const { warnings } = await scene.administrator.api.status({});
    const told = warnings.filter(({ code }) => code === 'row-not-believed');
    expect(told.map(({ message }) => message).join('\n')).toContain(mallory.id);
    expect(warnings.map(({ code }) => code)).not.toContain('row-seals-not-asked');
  });
});
