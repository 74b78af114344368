import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, TestRunEndReason } from 'vitest/node';
import { root } from '../../tools/suite/services.ts';
import { circumstances, writeReport } from '../faults/report.ts';
import type { CaseMeta } from './case.ts';
import { type Ended, oneLine, reportOf, withoutPlaces } from './report.ts';
import { seed } from './seed.ts';

/** Writes the report at the end of a run into the folder SLIPWAY_ATTACK_WRITE names, seen from the checkout, of the cases that were to be run. */
export class AttackReporter implements Reporter {
  private readonly begun = Date.now();

  async onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): Promise<void> {
    const wanted = process.env['SLIPWAY_ATTACK_WRITE'];
    if (!wanted) return;
    const all = modules.flatMap((module) => [...module.children.allTests()]).flatMap(endedOf);
    const { at, commit } = await circumstances();
    const words = process.env['SLIPWAY_ATTACK_WORDS'] ?? '--write';
    const run = { at, commit, seconds: Math.round((Date.now() - this.begun) / 1000), seed, words };
    const amiss = [...modules.flatMap(troublesOf), ...errors.map(({ message }) => wordsOf(message))];
    const missing = reason === 'interrupted' ? ['what was to come when it was interrupted'] : [];
    await writeReport(reportOf(run, all, { amiss, missing }), resolve(root, wanted));
  }
}

/** Of no use, or of too much, to whoever reads it elsewhere. */
const bare = (outcome: string): string => withoutPlaces(outcome, [root, tmpdir()]);
const wordsOf = (message: string): string => oneLine(bare(message.slice(0, 500)));

/** What a file could not make before its cases, or not take away after them. */
function troublesOf(module: TestModule): string[] {
  const errors = [module, ...module.children.allSuites()].flatMap((each) => each.errors());
  return errors.map(({ message }) => `${module.relativeModuleId}: ${wordsOf(message)}`);
}

function endedOf(test: TestCase): Ended[] {
  const meta = (test.meta() as { attack?: CaseMeta }).attack;
  if (!meta) return [];
  const { id, input, expected, provenBy, notYet } = meta;
  const { state, errors } = test.result();
  const seconds = Math.round((test.diagnostic()?.duration ?? 0) / 100) / 10;
  const as = (result: Ended['result'], outcome: string): Ended[] => [{ id, input, expected, provenBy, result, outcome, seconds }];
  if (state === 'passed') return as('held', bare(meta.outcome ?? ''));
  if (state === 'failed') return as('broken', bare(errors.map(({ message }) => message.slice(0, 500)).join('; ')));
  // Those that were not chosen were never to be run.
  if (test.options.mode === 'skip') return [];
  return notYet === undefined ? as('not tried', '') : as('not applicable yet', notYet).map((ended) => ({ ...ended, notYet }));
}
