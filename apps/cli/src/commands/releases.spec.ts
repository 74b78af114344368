import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { aDetail, digest } from '../answers.example.js';
import { GatewayDouble } from '../gateway-double.fixture.js';

const terminal = new Terminal();
let double: GatewayDouble | undefined;
afterEach(() => double?.stop());
afterAll(() => terminal.clear());

const since = '2026-11-01T00:00:00.000Z';
const removed = '2026-11-01T00:10:00.000Z';

describe('release show', () => {
  it.each([
    ['is kept', null, new RegExp(`@${digest}\\n(?!.*kept no longer)`)],
    ['goes', { since, removed: null, refused: null }, new RegExp(`@${digest}\\n +kept no longer since ${since}\\n`)],
    ['is gone', { since, removed, refused: null }, new RegExp(`kept no longer since ${since}, removed ${removed}\\n`)],
    [
      'stays against our will',
      { since, removed: null, refused: 'it deletes nothing' },
      /since .*; the registry keeps it: it deletes nothing\n/,
    ],
  ])('says that the image %s', async (_, retired, says) => {
    double = await GatewayDouble.start({ getReleaseByNumber: () => aDetail({ retired }) });
    const ran = await terminal.run(['release', 'show', 'shop/42', '--url', double.url]);
    expect(ran).toMatchObject({ exit: 0, err: '' });
    expect(ran.out).toMatch(says);
  });
});
