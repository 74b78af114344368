import { aKeyRing, type TestKeyRing } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aGoodHistory } from './a-good-history.js';
import { judge, verdictText } from './judge.js';

let keys: TestKeyRing;

beforeAll(async () => {
  keys = await aKeyRing();
});
afterAll(() => keys.drop());

describe('a good history', () => {
  it('holds on all eleven promises', async () => {
    const verdict = judge(await aGoodHistory(keys));
    expect(verdict.allHeld, verdictText(verdict)).toBe(true);
  });
});
