import { Database } from '@slipway/postgres';
import { aDatabase, eventually } from '@slipway/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { Presence } from './presence.js';

it('who shows that it lives is gone when its process is, or when its session was lost and until it shows itself again', async () => {
  const postgres = await aDatabase();
  const databases: Database[] = [];
  onTestFinished(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await postgres.drop();
  });
  const replica = async (name: string) => {
    const database = await Database.connect({ url: postgres.url, schema: 'slipway_approval', applicationName: name });
    databases.push(database);
    const presence = new Presence(database);
    await presence.show(name);
    return { database, presence };
  };
  const [one, two] = await Promise.all([replica('one'), replica('two')]);
  const names = ['one', 'two', 'never'];
  expect([await one.presence.gone(names), await two.presence.gone(names)]).toEqual([['never'], ['never']]);
  await two.database.close();
  await eventually(async () => expect(await one.presence.gone(names)).toEqual(['two', 'never']));
  await postgres.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'one reserved'`);
  await eventually(async () => expect(await one.presence.gone(names)).toEqual(names));
  await eventually(async () => {
    await one.presence.show('one');
    expect(await one.presence.gone(names)).toEqual(['two', 'never']);
  });
});
