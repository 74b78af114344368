import { randomBytes } from 'node:crypto';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database, grantView, MayNotProvision, type Provisioned, provision, schemaOf } from './index.js';

const prefix = `t${randomBytes(4).toString('hex')}`; // roles are shared by all databases of the server
const services = ['approval', 'production-rollout'] as const;
const poor = `${prefix}_poor`;
let test: TestDatabase;
let made: Provisioned;
const open: Database[] = [];

async function as(service: (typeof services)[number], urls = made.urls): Promise<Database> {
  const db = await Database.connect({
    url: urls[service] as string,
    schema: schemaOf(service, prefix),
    applicationName: service,
    waitMs: 0,
  });
  open.push(db);
  return db;
}

beforeAll(async () => {
  test = await aDatabase();
  made = await provision({ adminUrl: test.url, services, prefix });
  await test.query(`create role ${poor} login password 'poor'`);
});
afterAll(async () => {
  await Promise.all(open.map((db) => db.close()));
  await test.drop();
  const rest = await aDatabase();
  for (const role of [
    ...services.map((service) => schemaOf(service, prefix)),
    `${prefix}m_maker`,
    ...services.map((service) => schemaOf(service, `${prefix}m`)),
    ...services.map((service) => schemaOf(service, `${prefix}m2`)),
    poor,
  ]) {
    await rest.query(`drop role if exists ${role}`);
  }
  await rest.drop();
});

describe('provision', () => {
  it('gives every service a schema that is its own', async () => {
    const approval = await as('approval');
    await approval.query('create table secret (id int)');
    expect(await approval.query('select schemaname, tableowner from pg_tables where tablename = $1', ['secret'])).toEqual([
      { schemaname: `${prefix}_approval`, tableowner: `${prefix}_approval` },
    ]);
  });

  it('keeps one service from reading, writing, or adding to another', async () => {
    const rollout = await as('production-rollout');
    for (const sql of [
      `select * from ${prefix}_approval.secret`,
      `insert into ${prefix}_approval.secret values (1)`,
      `create table ${prefix}_approval.mine (id int)`,
      `set role ${prefix}_approval`,
      `alter role ${prefix}_approval password 'x'`,
      `create role ${prefix}_more`,
      `create schema ${prefix}_more`,
      `create table public.mine (id int)`,
    ]) {
      await expect(rollout.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('changes nothing when run again with the passwords it gave', async () => {
    const again = await provision({ adminUrl: test.url, services, prefix, passwords: made.passwords });
    expect(again).toEqual(made);
    expect(await (await as('approval', again.urls)).query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('gives a new password where the old one is not known', async () => {
    const { approval, ...kept } = made.passwords as Record<'approval' | 'production-rollout', string>;
    const again = await provision({ adminUrl: test.url, services, prefix, passwords: kept });
    expect(again.passwords['approval']).not.toBe(approval);
    expect(again.passwords['production-rollout']).toBe(kept['production-rollout']);
    await expect(as('approval')).rejects.toMatchObject({ code: '28P01' });
    made = again;
  });

  it('shows one view to one other service, and nothing behind it', async () => {
    const approval = await as('approval');
    await approval.query('create table if not exists grants (id int, good boolean)');
    await approval.query('insert into grants values (1, true), (2, false)');
    await approval.query('create view grant_good_now as select id from grants where good');
    const granting = Array.from({ length: 8 }, () => grantView(approval, { view: 'grant_good_now', to: 'production-rollout', prefix }));
    expect(new Set(await Promise.all(granting))).toEqual(new Set([true]));
    const rollout = await as('production-rollout');
    expect(await rollout.query(`select id from ${prefix}_approval.grant_good_now`)).toEqual([{ id: 1 }]);
    await expect(rollout.query(`select * from ${prefix}_approval.grants`)).rejects.toMatchObject({ code: '42501' });
    await expect(rollout.query(`delete from ${prefix}_approval.grant_good_now`)).rejects.toMatchObject({ code: '42501' });
    await expect(grantView(approval, { view: 'grants', to: 'production-rollout', prefix })).rejects.toThrow('is no view');
  });

  it('prints the SQL, without a password in it, where the role may not', async () => {
    const url = new URL(test.url);
    [url.username, url.password] = [poor, 'poor'];
    const refused = await provision({ adminUrl: url.href, services: ['notifier'], prefix }).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(MayNotProvision);
    const { sql, passwords, message } = refused as MayNotProvision;
    expect(message).toContain(sql);
    expect(sql).not.toContain(passwords['notifier']);
    await test.query(sql.replaceAll('current_user', 'postgres'));
    const given = await provision({ adminUrl: url.href, services: ['notifier'], prefix, passwords });
    const notifier = await Database.connect({
      url: given.urls['notifier'] as string,
      schema: schemaOf('notifier', prefix),
      applicationName: 'n',
    });
    await notifier.query('create table mine (id int)');
    await notifier.close();
    await test.query(`drop owned by ${prefix}_notifier cascade; drop role ${prefix}_notifier`);
  });

  it('needs no superuser: a role that may create roles, and create in the database, is enough', async () => {
    await test.query(`create role ${prefix}m_maker login createrole password 'maker'`);
    await test.query(`grant create on database ${test.name} to ${prefix}m_maker`);
    const url = new URL(test.url);
    [url.username, url.password] = [`${prefix}m_maker`, 'maker'];
    const done = await provision({ adminUrl: url.href, services, prefix: `${prefix}m` });
    const db = await Database.connect({
      url: done.urls['approval'] as string,
      schema: schemaOf('approval', `${prefix}m`),
      applicationName: 'm',
    });
    await db.query('create table mine (id int)');
    await db.close();
    expect(await provision({ adminUrl: url.href, services, prefix: `${prefix}m`, passwords: done.passwords })).toEqual(done);
  });

  it('makes schemas only with a single role', async () => {
    const single = await provision({ adminUrl: test.url, services, prefix: `${prefix}s`, singleRole: true });
    expect(single).toEqual({ urls: { approval: test.url, 'production-rollout': test.url }, passwords: {}, schemas: expect.any(Object) });
    const approval = await Database.connect({ url: test.url, schema: schemaOf('approval', `${prefix}s`), applicationName: 's' });
    await approval.query('create view v as select 1 as one');
    expect(await grantView(approval, { view: 'v', to: 'production-rollout', prefix: `${prefix}s` })).toBe(false);
    await approval.close();
  });

  it('gives each its own schema, with what is in it, when a single role is given up', async () => {
    await provision({ adminUrl: test.url, services, prefix: `${prefix}m2`, singleRole: true });
    const before = await Database.connect({ url: test.url, schema: schemaOf('approval', `${prefix}m2`), applicationName: 's' });
    await before.query('create table kept (id int generated always as identity primary key, word text)');
    await before.query("insert into kept (word) values ('a')");
    await before.close();
    const { urls } = await provision({ adminUrl: test.url, services, prefix: `${prefix}m2` });
    const after = await Database.connect({
      url: urls['approval'] as string,
      schema: schemaOf('approval', `${prefix}m2`),
      applicationName: 's',
    });
    await after.query("insert into kept (word) values ('b')");
    await after.query('alter table kept add column more text');
    expect(await after.query('select id, word from kept order by id')).toEqual([
      { id: 1, word: 'a' },
      { id: 2, word: 'b' },
    ]);
    await after.close();
  });

  it('takes two runs at once', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => provision({ adminUrl: test.url, services, prefix, passwords: made.passwords })));
    expect(runs).toEqual([made, made, made]);
  });
});
