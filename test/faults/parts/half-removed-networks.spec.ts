import { describe, expect, it } from 'vitest';
import { mended } from './half-removed-networks.js';

const wished = String.raw`"ipamV4Config":"[{\"PreferredPool\":\"\",\"SubPool\":\"\",\"Gateway\":\"\"}]"`;
const has = String.raw`"ipamV4Info":"[{\"IPAMData\":\"\"}]"`;
const entry = (name: string, more: string) => `{"addrSpace":"LocalDefault","generic":{"a":{}},${more},"name":"${name}","scope":"local"}`;
const store = (half: string) =>
  `\0\x01page${entry('bridge', `"inDelete":false,${wished},${has}`)}docker/network/${entry('half', `"inDelete":true,${half}`)}\xff\0${entry('last', `"inDelete":false,${wished},${has}`)}`;

describe('the networks of an Engine that was killed', () => {
  it('lose what was wished of one that was half removed, and nothing else moves', () => {
    const before = store(wished);
    const after = mended(before);
    expect(after).toHaveLength(before.length);
    expect(after).toBe(store('"ipamV4Config":"[]"'.padEnd(wished.length)));
    expect(JSON.parse(/docker\/network\/(\{.*\})\xff/.exec(after)?.[1] ?? '')).toMatchObject({ name: 'half', ipamV4Config: '[]' });
  });

  it('stay as they are while one that is to be removed still has its addresses', () => {
    expect(mended(store(`${wished},${has}`))).toBe(store(`${wished},${has}`));
  });
});
