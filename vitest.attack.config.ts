import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import { AttackReporter } from './test/attack/reporter.js';
import base from './vitest.config.js';

/** In the order of their names; then the judge, what asks at random, and at the very end what looks for traces of all the others. */
class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const last = [/\/promises[^/]*$/, /\/(fuzz|whole-api)[^/]*$/, /\/canary[^/]*$/];
    const place = ({ moduleId }: TestSpecification) => `${last.findIndex((each) => each.test(moduleId)) + 1}${moduleId}`;
    return files.toSorted((one, other) => place(one).localeCompare(place(other)));
  }
}

/** `npm run attack`: one suite of real processes, attacked case by case; test/attack/help.txt says more. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/attack/*.attack.spec.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['./test/global-setup.ts', './test/attack/the-suite.ts'],
    setupFiles: ['./test/setup.ts', './test/attack/after-each-file.ts'],
    reporters: ['default', new AttackReporter()],
    sequence: { sequencer: InOrder },
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
};
