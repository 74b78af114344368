import { aDatabase, eventually, type TestDatabase } from '@slipway/testkit';
import type { ClientBase } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admission, Refused, type Witness } from './admission.js';
import { Database } from './database.js';
import { isTransient } from './errors.js';

let postgres: TestDatabase;

beforeAll(async () => {
  postgres = await aDatabase();
});
afterAll(() => postgres.drop());

const connect = () => Database.connect({ url: postgres.url, schema: 'one', applicationName: 'admission test', poolSize: 2 });

/** Ends every connection of it; the next ones are made anew. */
const cut = () =>
  postgres.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'admission test%'`);

describe('a database that must be let in', () => {
  it('is asked about once a life, over a connection of its own, and not again when connections are made anew', async () => {
    // Sessions that write times in different ways are with one server all the same.
    await postgres.query(`alter database ${postgres.name} set timezone to 'Asia/Shanghai'`);
    const database = await connect();
    const asked: unknown[] = [];
    await database.admit(async (witness: Witness) => void asked.push(...(await witness.query('select current_schema() as schema'))));
    await cut();
    await Promise.all([1, 2, 3, 4].map(() => database.query('select 1').catch(() => undefined)));
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await database.reserved.query('select 2 as two')).toEqual([{ two: 2 }]);
    expect(asked).toEqual([{ schema: 'one' }]);
    await database.close();
  });

  it('counts as away while it is not known, and is asked about again', async () => {
    const database = await connect();
    let answers = 0;
    const judge = async () => {
      if (++answers < 3) throw new Error('Kafka does not answer');
    };
    await expect(database.admit(judge)).rejects.toThrow('Kafka does not answer');
    await cut();
    const refused = await database.reserved.query('select 1').catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'NotAdmitted', message: 'Kafka does not answer' });
    expect(isTransient(refused)).toBe(true);
    expect(await database.reserved.query('select 1 as one')).toEqual([{ one: 1 }]);
    await database.close();
  });

  it('that was refused stays so, for the pool as for sessions, without another question', async () => {
    const database = await connect();
    let asked = 0;
    const judge = async () => {
      asked++;
      throw new Refused('it is older');
    };
    await expect(database.admit(judge)).rejects.toThrow('it is older');
    await cut();
    await database.query('select 1').catch(() => undefined); // one of the pool that nobody has told yet
    await expect(database.query('select 1')).rejects.toThrow('it is older');
    await expect(database.reserved.query('select 1')).rejects.toThrow('it is older');
    await expect(database.admit(judge)).rejects.toThrow('it is older');
    expect(asked).toBe(1);
    await database.close();
  });

  it('that was refused is looked at again after a while: somebody may have brought back what was missing', async () => {
    const admission = new Admission({ url: postgres.url, schema: 'one', applicationName: 'admission test' }, 300);
    let asked = 0;
    const judge = async () => {
      if (++asked === 1) throw new Refused('it is older');
    };
    await expect(admission.require(judge)).rejects.toThrow('it is older');
    await expect(admission.require(judge)).rejects.toThrow('it is older');
    await eventually(() => admission.require(judge).then(() => true));
    expect(asked).toBe(2);
  });

  it('counts as away while its server is a standby, about which the judge is not asked', async () => {
    const admission = new Admission({ url: postgres.url, schema: 'one', applicationName: 'admission test' });
    let asked = 0;
    await admission.require(async () => void asked++);
    const standby = { query: async () => ({ rows: [{ life: 'another', isStandby: true }] }) } as unknown as ClientBase;
    const refused = await admission.pass(standby).catch((error: unknown) => error);
    expect(isTransient(refused)).toBe(true);
    expect([String(refused), asked]).toEqual([expect.stringContaining('standby'), 1]);
  });
});
