import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SuiteOfProcesses } from '../faults/a-suite-of-processes.js';
import { suiteAt, witnessOf } from '../faults/judging.ts';
import { type Breach, explain, type Finding, type PromiseNumber, type Witness } from '../history/index.ts';
import type { CaseId } from './case.ts';

/**
 * Promises that no case breaks on purpose. Of the others cases make a 1, a 6, an 8 and a 10 themselves, with what they write into tables and topics; a 7 is
 * looked for by the cases of group S.
 */
export const judged = [2, 3, 4, 5, 9, 11] as const satisfies readonly PromiseNumber[];

/** What a case breaks all the same, as often as it does so. */
const onPurpose: readonly { readonly by: CaseId; readonly promise: PromiseNumber; readonly says: RegExp }[] = [
  { by: 'R04', promise: 5, says: /^the registry does not have sha256:/ },
];

/** Some cases serve the source of a project themselves, and take it away when they are done. */
const servedByACase = /^the repository of \S+ was not read$/;

/** What became of them so far. */
export interface Verdict {
  readonly findings: readonly Finding[];
  /** With the stories of what went wrong, and where the history lies. */
  readonly words: string;
}

/** Listens to a suite while it is attacked. */
export class Judging {
  readonly #suite: SuiteOfProcesses;
  readonly #witness: Witness;
  /** Where cases leave the repositories of their projects, each by the project's name. */
  readonly #repositories: string;

  private constructor(suite: SuiteOfProcesses, witness: Witness, repositories: string) {
    this.#suite = suite;
    this.#witness = witness;
    this.#repositories = repositories;
  }

  static async begin(suite: SuiteOfProcesses, straight: Parameters<typeof witnessOf>[1], repositories: string): Promise<Judging> {
    return new Judging(suite, await witnessOf(suite, straight, 'attacks'), repositories);
  }

  async verdict(): Promise<Verdict> {
    const names = await readdir(this.#repositories);
    const repositories = names.map((project) => ({ project, folder: join(this.#repositories, project) }));
    const history = await this.#witness.history({ repositories, suite: suiteAt(this.#suite) });
    const isJudged = (promise: PromiseNumber) => judged.some((each) => each === promise);
    const forgiven = new Map<RegExp, Breach>();
    const isOnPurpose = (breach: Breach, promise: PromiseNumber) => {
      const why = onPurpose.find((each) => each.promise === promise && each.says.test(breach.what))?.says;
      if (why && !forgiven.has(why)) forgiven.set(why, breach);
      return why !== undefined && forgiven.get(why) === breach;
    };
    const forgive = (breach: Breach, promise: PromiseNumber) => !isJudged(promise) || isOnPurpose(breach, promise);
    const { verdict, words } = await explain(history, { unexamined: [1, 4, 6, 7, 8, 10, 11], forgive });
    const findings = verdict.findings.filter(({ promise }) => isJudged(promise));
    return {
      findings: findings.map((each) => ({
        ...each,
        breaches: each.breaches.filter((breach) => !forgive(breach, each.promise)),
        unexamined:
          each.unexamined
            ?.split('; ')
            .filter((why) => !servedByACase.test(why))
            .join('; ') || undefined,
      })),
      words,
    };
  }

  stop(): Promise<void> {
    return this.#witness.stop();
  }
}
