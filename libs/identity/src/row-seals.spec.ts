import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RowNotBelieved, RowSeals, sealedColumns } from './row-seals.js';
import { loadServiceKey, newServiceKeyFile, ServiceKeyFile, serviceKeyOf } from './service-key.js';
import { askForRowSeals, initKeys, rotateKeys } from './service-keys.js';

const tables = {
  person: { key: ['id'], decides: ['version', 'person'] },
  copy: { key: ['id'], decides: ['version', 'person'] },
  bars: { table: 'person', seal: 'bar_seal', key: ['id'], decides: ['version'] },
};
const keyFile = newServiceKeyFile('approval', new Date());
const key = serviceKeyOf(keyFile);
const seals = new RowSeals(key, tables);
const ada = { id: '1', version: 2, person: { name: 'Ada', roles: [{ role: 'tester', project: 'shop' }], since: new Date(0) } };
const sealed = { ...ada, seal: seals.of('person', ada) };

describe('the seal of a row', () => {
  it('is believed whatever the order of keys, and as the database gives it back', () => {
    const asRead = { seal: sealed.seal, person: JSON.parse(JSON.stringify(ada.person)), version: 2, id: '1', more: true };
    expect(seals.believed('person', asRead)).toBe(asRead);
  });

  it.each([
    ['another key', { ...sealed, id: '2' }],
    ['another value', { ...sealed, version: 3 }],
    ['something deep inside', { ...sealed, person: { ...ada.person, roles: [{ role: 'administrator', project: '*' }] } }],
    ['no seal', { ...sealed, seal: null }],
    ['a seal of another length', { ...sealed, seal: 'x' }],
    ['the seal of another table', { ...sealed, seal: seals.of('copy', ada) }],
    [
      'the seal of another service',
      { ...sealed, seal: new RowSeals(serviceKeyOf(newServiceKeyFile('approval', new Date())), tables).of('person', ada) },
    ],
  ])('is not believed with %s, and says which row', (_, row) => {
    expect(() => seals.believed('person', row)).toThrow(RowNotBelieved);
    expect(() => seals.believed('person', row)).toThrow(`row ${row.id} of table person is not believed`);
  });

  it('is held against what the row says, however often it was good', () => {
    const row = sealed;
    expect(seals.those('person', [row, row])).toHaveLength(2);
    const changed = { ...row, version: 9 };
    expect(seals.those('person', [changed])).toEqual([]);
    expect(seals.those('person', [{ ...row, person: { ...ada.person, name: 'Eve' } }])).toEqual([]);
    expect(seals.those('person', [{ ...row, version: Number.POSITIVE_INFINITY }, { ...row, version: new Date(Number.NaN) }, row])).toEqual([
      row,
    ]);
    expect(seals.those('person', [{ ...row, id: '2' }])).toEqual([]);
    expect(seals.those('person', [{ ...changed, seal: null }])).toEqual([]);
    expect(seals.those('person', [row])).toHaveLength(1);
  });

  it('is not made anew for a row because many rows of another table are read', () => {
    let made = 0;
    class Counted extends RowSeals {
      override of(table: string, row: object): string {
        if (table === 'person') made++;
        return super.of(table, row);
      }
    }
    const counted = new Counted(key, tables, undefined, 10);
    counted.believed('person', sealed);
    const seal = (id: string) => ({ ...ada, id, seal: seals.of('copy', { ...ada, id }) });
    expect(
      counted.those(
        'copy',
        Array.from({ length: 11 }, (_, at) => seal(`${at}`)),
      ),
    ).toHaveLength(11);
    counted.believed('person', sealed);
    expect(made).toBe(1);
  });

  it('leaves out of a list what is not believed, and tells of each', () => {
    const heard: RowNotBelieved[] = [];
    const telling = new RowSeals(key, tables, (broken) => heard.push(broken));
    expect(telling.those('person', [sealed, { ...sealed, version: 9 }])).toEqual([sealed]);
    expect(heard.map(({ table, id }) => [table, id])).toEqual([['person', '1']]);
  });

  it('is a fault of the service where a sealed column was not loaded, or the table is not listed', () => {
    expect(() => seals.of('person', { id: '1', version: 2 })).toThrow('column person of table person');
    expect(() => seals.of('other', ada)).toThrow('other is not in the list');
  });

  it('names what has to be selected', () => {
    expect(sealedColumns(tables, 'person')).toBe('"id", "version", "person", seal');
    expect(sealedColumns(tables, 'bars')).toBe('"id", "version", "bar_seal" as seal');
  });

  it('is not asked for by a key file of before, which no row of then has', () => {
    const { rowSeals: _, ...before } = keyFile;
    const adopting = new RowSeals(serviceKeyOf(ServiceKeyFile.parse(before)), tables);
    expect(adopting.asked).toBe(false);
    expect(adopting.those('person', [{ ...ada, seal: null }])).toHaveLength(1);
  });

  it('is asked for by new keys, is the same after a rotation, and can be left to be adopted', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-seals-'));
    const approval = { dir, services: ['approval'] as const };
    const load = async (file: string | undefined) => new RowSeals(await loadServiceKey(file as string), tables);
    try {
      const { keyFiles } = await initKeys(approval);
      const first = await load(keyFiles.approval);
      expect(first.asked).toBe(true);
      await askForRowSeals({ ...approval, rowSeals: 'adopted' });
      await rotateKeys(approval);
      const then = await load(keyFiles.approval);
      expect(then.asked).toBe(false);
      expect(then.of('person', ada)).toBe(first.of('person', ada));
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
