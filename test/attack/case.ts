import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../tools/suite/services.ts';
import { type Attacked, attacked } from './attacked.ts';

/** The groups of facts/reliability.md 1.6 that are attacks, and those it leaves out, by the first letter of a case. */
export const groups = {
  W: 'Webhooks and API',
  G: 'Git and Subversion',
  B: 'Build context and Dockerfile',
  R: 'Registry',
  A: 'Approvals and authorisation',
  K: 'Kafka events',
  S: 'The canary secret',
  X: 'Every route',
  Z: 'Fuzzing',
  H: 'The promises over the other cases',
} as const;

/** A letter and two digits. Numbers up to 49 are those of the list, from 50 on those it leaves out. */
export type CaseId = `${keyof typeof groups}${number}`;

/** An ordinary test that proves the case on its own. */
export interface Proof {
  /** From the root of the checkout. */
  readonly file: string;
  /** As the file has it. */
  readonly test: string;
}

/** What is done, in words, and what must come of it. */
export interface AttackWords {
  readonly input: string;
  readonly expected: string;
  /** Ordinary tests that prove it too; each must be there by its name. */
  readonly provenBy?: readonly Proof[];
  /** Milliseconds the case may take; 60 000 by default. */
  readonly within?: number;
}

/** What the report knows of a case. */
export interface CaseMeta {
  readonly id: CaseId;
  readonly input: string;
  readonly expected: string;
  readonly provenBy: readonly Proof[];
  /** What happened, in a few words: figures, statuses. Undefined until the case has ended well. */
  outcome?: string;
  /** Why it cannot be tried yet, with the issue that brings what it would attack. */
  readonly notYet?: string;
}

declare module 'vitest' {
  interface TaskMeta {
    attack?: CaseMeta;
  }
}

/**
 * One case of the attack tier. `run` does it against the suite that all cases share (a file makes its own projects and people, and takes nothing away that
 * others need), asserts what is expected with `expect`, and returns what happened in a few words for the report.
 */
export function attack(id: CaseId, words: AttackWords, run: (on: Attacked) => Promise<string>): void {
  const { input, expected, provenBy = [], within = 60_000 } = words;
  it(nameOf(id, input, expected), { timeout: within, meta: { attack: { id, input, expected, provenBy } } }, async ({ task }) => {
    for (const proof of provenBy) await mustBeThere(proof);
    const outcome = await run(attacked());
    (task.meta.attack as CaseMeta).outcome = outcome;
  });
}

/** A case that nothing can be tried of yet: it stands in the report with the reason, and with the issue that brings what it would attack. */
export function notYet(id: CaseId, words: { input: string; expected: string; why: string; issue: number }): void {
  const { input, expected, why, issue } = words;
  const meta: CaseMeta = { id, input, expected, provenBy: [], notYet: `${why} (issue ${issue})` };
  it(nameOf(id, input, expected), { meta: { attack: meta } }, ({ skip }) => skip(meta.notYet));
}

function nameOf(id: CaseId, input: string, expected: string): string {
  return `${id} ${input}: ${expected}`;
}

async function mustBeThere({ file, test }: Proof): Promise<void> {
  const text = await readFile(join(root, file), 'utf8');
  expect(text.includes(test), `${file} has no test called "${test}"`).toBe(true);
}
