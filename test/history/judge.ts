import type { History } from './history.ts';
import { type Examination, type Finding, type PromiseNumber, promises, type Verdict } from './verdict.ts';

const examinations: Partial<Record<PromiseNumber, Examination>> = {};

/** Holds a history against all eleven promises. A promise that was held against nothing is not examined: it never just holds. */
export function judge(history: History): Verdict {
  const findings = (Object.keys(promises).map(Number) as PromiseNumber[]).map((promise) => find(promise, history));
  return { allHeld: findings.every(({ state }) => state === 'held'), findings };
}

function find(promise: PromiseNumber, history: History): Finding {
  const examine = examinations[promise];
  const examined = examine?.(history) ?? { counts: {}, breaches: [], unexamined: 'nobody examines it yet' };
  const empty = Object.values(examined.counts).every((count) => count === 0);
  const state = examined.breaches.length > 0 ? 'broken' : empty || examined.unexamined !== undefined ? 'not examined' : 'held';
  const unexamined = examined.unexamined ?? (empty ? 'there was nothing to hold it against' : undefined);
  return { promise, title: promises[promise], state, ...examined, unexamined };
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
