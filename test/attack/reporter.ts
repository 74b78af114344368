import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { root } from '../../tools/suite/services.ts';
import type { CaseMeta } from './case.ts';
import { type Ended, inOrder, pageOf, withoutPlaces } from './report.ts';
import { seed } from './seed.ts';

/** Writes attacks.{json,md} at the end of a run into the folder SLIPWAY_ATTACK_WRITE names, seen from the checkout, of the cases that were run. */
export class AttackReporter implements Reporter {
  private readonly begun = Date.now();

  onTestRunEnd(modules: readonly TestModule[]): void {
    const wanted = process.env['SLIPWAY_ATTACK_WRITE'];
    if (!wanted) return;
    const all = modules.flatMap((module) => [...module.children.allTests()]).flatMap(endedOf);
    const commit = execFileSync('git', ['-C', root, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
    const run = {
      at: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
      commit,
      seconds: Math.round((Date.now() - this.begun) / 1000),
      seed,
      words: process.env['SLIPWAY_ATTACK_WORDS'] ?? '--write',
    };
    const folder = resolve(root, wanted);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'attacks.json'), `${JSON.stringify({ ...run, cases: inOrder(all) }, null, 2)}\n`);
    writeFileSync(join(folder, 'attacks.md'), pageOf(run, all));
  }
}

/** Of no use, or of too much, to whoever reads it elsewhere. */
const bare = (outcome: string): string => withoutPlaces(outcome, [root, tmpdir()]);

function endedOf(test: TestCase): Ended[] {
  const meta = (test.meta() as { attack?: CaseMeta }).attack;
  if (!meta) return [];
  const { id, input, expected, provenBy, notYet } = meta;
  const { state, errors } = test.result();
  const seconds = Math.round((test.diagnostic()?.duration ?? 0) / 100) / 10;
  if (state === 'skipped' && notYet === undefined) return [];
  if (state === 'skipped') return [{ id, input, expected, provenBy, notYet, result: 'not applicable yet', outcome: notYet ?? '', seconds }];
  if (state === 'passed') return [{ id, input, expected, provenBy, result: 'held', outcome: bare(meta.outcome ?? ''), seconds }];
  const outcome = bare((errors ?? []).map(({ message }) => message.slice(0, 500)).join('; '));
  return [{ id, input, expected, provenBy, result: 'broken', outcome, seconds }];
}
