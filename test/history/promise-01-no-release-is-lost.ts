import {
  BuildCancelled,
  BuildFailed,
  CommitDetected,
  CommitFolded,
  CommitIgnored,
  ImageBuilt,
  ReleaseWithdrawn,
  services,
} from '@slipway/contracts';
import { type Facts, factsOf, type Said, type SaidOf, wordsOf } from './facts.ts';
import type { History, Seen } from './history.ts';
import { byRelease, rowsBy } from './indexes.ts';
import { Files, Moving } from './moving.ts';
import { inApproval, inRollout, inTest } from './standing-still.ts';
import { taken } from './taken.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/**
 * 1. Every revision that was pushed, and every delivery, sign-off and command that was accepted, has its one outcome; every release is at an end, waits for a person, or
 * moves: work for it is owed, or an event of it is still being said.
 */
export const noReleaseIsLost: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  const files = new Files(facts);
  outcomes(history, facts, files, findings);
  takenAnew(history, findings);
  twice(facts, findings);
  const moving = new Moving(facts, services);
  taken(history, facts, moving, findings);
  const until = Date.parse(history.about.until);
  for (const born of facts.named(CommitDetected)) standing(born, { facts, findings, moving, files, until });
  return findings.end(['releases', 'pushes']);
};

/** By project, ref and revision: everything that was said to have become of it. */
function outcomesOf(facts: Facts): ReadonlyMap<string, readonly { said: Said; release: string | null }[]> {
  const found = [
    ...facts
      .named(CommitDetected)
      .filter(({ data }) => data.release.kind !== 'configuration')
      .map((said) => ({ said, release: said.data.release.id, key: keyOf(said.data.release) })),
    ...facts.named(CommitFolded).map((said) => ({ said, release: said.data.into.id, key: keyOf(said.data) })),
    ...facts
      .named(CommitIgnored)
      .flatMap((said) =>
        said.data.revision === null ? [] : [{ said, release: null, key: keyOf({ ...said.data, revision: said.data.revision }) }],
      ),
  ];
  return Map.groupBy(found, ({ key }) => key);
}

function keyOf({ project, ref, revision }: { project: string; ref: string; revision: string }): string {
  return `${project} ${ref} ${revision}`;
}

function outcomes({ seen }: History, facts: Facts, files: Files, findings: Findings): void {
  const said = outcomesOf(facts);
  const kept = new Set(facts.rows('source-watcher', 'outcome').map((row) => keyOf(row as never)));
  // Kept by provider: `github:…`.
  const taken = new Set(
    facts.rows('source-watcher', 'delivery').map(({ project, id }) => `${String(project)} ${String(id).replace(/^[a-z]+:/, '')}`),
  );
  for (const each of seen) {
    const asked = accepted(each);
    if (!asked || !files.isThere(asked.project)) continue;
    findings.count(each.kind === 'push' ? 'pushes' : 'accepted deliveries');
    const what = `${each.kind === 'push' ? 'push' : `delivery ${each.kind === 'delivery' ? each.delivery : ''}`} of ${asked.revision ?? 'no revision'} at ${asked.ref ?? 'no ref'} of ${asked.project}`;
    if (each.kind === 'delivery' && !taken.has(`${each.project} ${each.delivery}`) && facts.has('source-watcher', 'delivery'))
      findings.breach(null, `the ${what} was answered with ${each.status} and is in no table`);
    if (asked.ref === null || asked.revision === null) continue;
    const { project, ref, revision } = { ...asked, ref: asked.ref, revision: asked.revision };
    // A client may name a branch as Subversion does, without the folder that the suite puts it into.
    const keys = [ref, `refs/heads/${ref}`, `refs/tags/${ref}`].map((each) => keyOf({ project, ref: each, revision }));
    if (!keys.some((key) => said.has(key)))
      findings.breach(
        null,
        `the ${what} has no outcome${keys.some((key) => kept.has(key)) ? ' that was said, though a table has one' : ''}`,
      );
  }
  for (const [key, ends] of said) {
    findings.count('outcomes');
    if (ends.length > 1)
      findings.breach(
        ends.find(({ release }) => release)?.release,
        `${key} has ${ends.length} outcomes`,
        ends.map((end) => wordsOf(end.said)),
      );
  }
}

/** A delivery that was taken as new (202) is known from then on: whoever sends it again is told so (200). */
function takenAnew({ seen }: History, findings: Findings): void {
  const deliveries = seen.filter((each) => each.kind === 'delivery');
  for (const [delivery, copies] of Map.groupBy(deliveries, ({ project, delivery: id }) => `${id} of ${project}`)) {
    findings.count('deliveries sent again', copies.length - 1);
    const anew = copies.filter(({ status }) => status === 202);
    if (anew.length > 1)
      findings.breach(
        null,
        `the delivery ${delivery} was taken as new ${anew.length} times`,
        anew.map(({ asked }) => `asked at ${asked}`),
      );
  }
}

/** What must have an outcome: a commit in the repository, or a delivery that was answered with a yes. */
function accepted(seen: Seen): { project: string; ref: string | null; revision: string | null } | undefined {
  if (seen.kind === 'push') return seen;
  return seen.kind === 'delivery' && seen.status >= 200 && seen.status < 300 ? seen : undefined;
}

/** A release is born once, and its number is its own. */
function twice(facts: Facts, findings: Findings): void {
  const born = facts.named(CommitDetected);
  for (const same of [
    ...Map.groupBy(born, ({ data }) => data.release.id).values(),
    ...Map.groupBy(born, ({ data }) => `${data.release.project} ${data.release.number}`).values(),
  ]) {
    if (same.length > 1)
      findings.breach(same[0]?.data.release.id, `release ${same[0]?.data.release.number} was born ${same.length} times`, same.map(wordsOf));
  }
}

interface Looking {
  readonly facts: Facts;
  readonly findings: Findings;
  readonly moving: Moving;
  readonly files: Files;
  readonly until: number;
}

function standing(born: SaidOf<typeof CommitDetected>, { facts, findings, moving, files, until }: Looking): void {
  const { release } = born.data;
  const { id } = release;
  findings.count('releases');
  const lost = (why: string) => findings.breach(id, `release ${release.project}/${release.number} is lost: ${why}`, [wordsOf(born)]);
  const [build] = rowsBy(facts, 'image-builder', 'build', 'release').get(id) ?? [];
  const state = String(build?.['state'] ?? '');
  if (state === 'queued' || state === 'building') {
    if (moving.owes('image-builder', 'build', `${id}/${String(build?.['attempt'])}`)) findings.count('moving');
    else lost(`its build is ${state} and nobody works on it`);
    return;
  }
  const built = lastOfBuild(facts, id);
  if (!built) {
    if (moving.isUnheard(born.id, 'image-builder')) findings.count('moving');
    else lost('it was never built, and nothing says why');
    return;
  }
  if (built.name !== ImageBuilt.name || byRelease(facts, ReleaseWithdrawn).has(id)) return void findings.count('at an end');
  const where = { release, built, files, facts, moving, until };
  const stands = [...inTest(where), ...inApproval(where), ...inRollout(where)];
  for (const stand of stands) if (stand.how === 'lost') lost(stand.why);
  if (stands.some(({ how }) => how === 'lost')) return;
  if (stands.some(({ how }) => how === 'moving')) findings.count('moving');
  else findings.count(stands.some(({ how }) => how === 'waiting') ? 'waiting for a person' : 'at an end');
}

function lastOfBuild(facts: Facts, release: string): Said | undefined {
  return [ImageBuilt, BuildFailed, BuildCancelled]
    .flatMap((event): readonly Said[] => byRelease(facts, event).get(release) ?? [])
    .toSorted((one, other) => one.ms - other.ms)
    .at(-1);
}
