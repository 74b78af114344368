import { beforeAll, describe, expect } from 'vitest';
import { promises } from '../history/index.ts';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { judged, type Verdict } from './judging.ts';

let verdict: Verdict;

/** By who has listened since the suite was started. */
beforeAll(async () => {
  const answer = await fetch(attacked().judgeUrl, { method: 'POST', signal: AbortSignal.timeout(170_000) });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  verdict = JSON.parse(text) as Verdict;
}, 180_000);

describe('The promises over all that came before', () => {
  for (const promise of judged) {
    attack(
      `H${promise < 10 ? '0' : ''}${promise}`,
      {
        input: `promise ${promise} is held against all that was done so far, which is all but what is asked at random`,
        expected: promises[promise],
      },
      async () => {
        const found = verdict.findings.find((each) => each.promise === promise);
        expect(found?.breaches, verdict.words).toEqual([]);
        expect(found?.unexamined, verdict.words).toBeUndefined();
        return Object.entries(found?.counts ?? {})
          .map(([what, count]) => `${count} ${what}`)
          .join(', ');
      },
    );
  }
});
