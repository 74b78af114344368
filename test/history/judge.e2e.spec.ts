import { ApprovalRequested, RolloutRolledBack, RolloutSucceeded } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aJudgedRun, type JudgedRun } from './a-judged-run.js';
import { explain } from './explain.js';
import type { History } from './history.js';
import { writeHistory } from './history-file.js';

let run: JudgedRun;
let history: History;

/** Signed by somebody who did not write it, as soon as it may be, until it runs. */
async function goesLive(number: number): Promise<void> {
  const { ear, operator, load } = run;
  const { request } = await ear.hears(ApprovalRequested, ({ release }) => release.number === number, 90_000);
  const sign = () => operator.signOff({ params: { id: request }, body: { decision: 'approve' } });
  const answer = await eventually(sign, { within: 20_000, every: 100 });
  load.signedOff({ request, person: 'Otto Operator', decision: 'approve', status: 200, answer: JSON.stringify(answer) });
  await ear.hears(RolloutSucceeded, ({ release }) => release.number === number, 60_000);
}

beforeAll(async () => {
  run = await aJudgedRun('21800-21899');
  const { ear, operator, project, load, repository, witness, suite } = run;
  await goesLive(1);
  await run.push('two');
  await goesLive(2);
  const back = await operator.rollback({ params: { project, environment: 'production' }, body: { to: 1, reason: 'one was better' } });
  load.commanded({ action: 'rollback', about: project, person: 'Otto Operator', status: 200, answer: JSON.stringify(back) });
  await ear.hears(RolloutRolledBack, () => true, 60_000);
  await run.drained();
  history = await witness.history({ load, repositories: [{ project, folder: repository.dir }], suite });
  if (process.env['KEEP_HISTORY']) await writeHistory(history, process.env['KEEP_HISTORY']);
}, 240_000);
afterAll(() => run?.clear(), 120_000);

describe('a run in which nothing went wrong', () => {
  it('keeps all eleven promises, each held against something', async () => {
    // Services in the process of a test have no logs of their own.
    const { verdict, amiss, words } = await explain(history, { unexamined: [7] });
    expect(amiss, words).toEqual([]);
    expect(verdict.findings.flatMap(({ unexamined }) => unexamined ?? [])).toEqual(['there were no logs']);
  });
});
