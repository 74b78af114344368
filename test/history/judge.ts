import type { History } from './history.ts';
import { noReleaseIsLost } from './promise-01-no-release-is-lost.ts';
import { nothingUnapproved } from './promise-02-nothing-unapproved.ts';
import { oneEffect } from './promise-03-one-effect.ts';
import { neverBackwards } from './promise-04-never-backwards.ts';
import { oneDigest } from './promise-05-one-digest.ts';
import { drained } from './promise-06-drained.ts';
import { noSecret } from './promise-07-no-secret.ts';
import { auditChains } from './promise-08-audit-chains.ts';
import { fenced } from './promise-09-fenced.ts';
import { oneStory } from './promise-10-one-story.ts';
import { separateDuties } from './promise-11-separate-duties.ts';
import { type Examination, type Finding, type PromiseNumber, promises, type Verdict } from './verdict.ts';

const examinations: Readonly<Record<PromiseNumber, Examination>> = {
  1: noReleaseIsLost,
  2: nothingUnapproved,
  3: oneEffect,
  4: neverBackwards,
  5: oneDigest,
  6: drained,
  7: noSecret,
  8: auditChains,
  9: fenced,
  10: oneStory,
  11: separateDuties,
};

/** Holds a history against all eleven promises. A promise that was held against nothing is not examined: it never just holds. */
export function judge(history: History): Verdict {
  const findings = (Object.keys(promises).map(Number) as PromiseNumber[]).map((promise) => find(promise, history));
  return { allHeld: findings.every(({ state }) => state === 'held'), findings };
}

function find(promise: PromiseNumber, history: History): Finding {
  const examined = examinations[promise](history);
  const state = examined.breaches.length > 0 ? 'broken' : examined.unexamined === undefined ? 'held' : 'not examined';
  return { promise, title: promises[promise], state, ...examined };
}

/** The verdict as lines for people: one a promise, and one a breach. */
export function verdictText({ findings }: Verdict): string {
  return findings.flatMap(linesOf).join('\n');
}

function linesOf({ promise, title, state, counts, unexamined, breaches }: Finding): string[] {
  const looked = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  const head = `${String(promise).padStart(2)} ${state.padEnd(12)} ${title} (${looked.join(', ') || 'nothing examined'})`;
  const why = unexamined === undefined ? [] : [`     not examined: ${unexamined}`];
  return [
    head,
    ...why,
    ...breaches.map(({ release, what, evidence }) => `     ${what} [release ${release ?? '-'}; ${evidence.join(', ')}]`),
  ];
}
