import {
  ApprovalExpired,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  BuildCancelled,
  BuildFailed,
  CommandIssued,
  CommitDetected,
  type DataOf,
  DeploymentFailed,
  type EventDefinition,
  ImageBuilt,
  ProjectApplied,
  type Release,
  ReleaseWithdrawn,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutSucceeded,
  VerificationFailed,
  VerificationPassed,
} from '@slipway/contracts';
import { Ancestry } from './ancestry.ts';
import { type Facts, factsOf, type Said, type SaidOf, wordsOf } from './facts.ts';
import type { History, SeenPush } from './history.ts';
import { byRelease } from './indexes.ts';

/** What a release came to. */
export interface End {
  readonly release: Release;
  /** What its commit was to come to; undefined where nobody said. */
  readonly turn: SeenPush['turn'];
  /** What was said of it last of all, e.g. `overtaken before test`. */
  readonly end: string;
  /** A no it did not deserve, or a yes: each in a sentence with the record that shows it. */
  readonly wrong: readonly string[];
}

/**
 * What every release came to, and whether rightly: nothing that is done to parts and processes may make a good commit fail, and no commit that was made to
 * fail may pass. A release is overtaken only by a newer one, and given up only because a person asked.
 */
export function releaseEnds(history: History): End[] {
  const facts = factsOf(history);
  const turns = new Map(
    history.seen.flatMap((seen) => (seen.kind === 'push' ? [[`${seen.project} ${seen.revision}`, seen.turn] as const] : [])),
  );
  const commands = facts.named(CommandIssued);
  const ancestry = new Ancestry(history);
  return facts.named(CommitDetected).map(({ data: { release } }) => {
    const turn = turns.get(`${release.project} ${release.revision}`);
    const looking = { facts, ancestry, release, turn, asked: askedOf(commands, release, facts) };
    const steps = stepsOf(looking).toSorted((one, other) => one.said.ms - other.said.ms);
    const wrong = steps.flatMap(({ said, wrong: why }) => (why === undefined ? [] : [`${why} (${wordsOf(said)})`]));
    return { release, turn, end: steps.at(-1)?.words ?? 'under way', wrong };
  });
}

interface Looking {
  readonly facts: Facts;
  readonly ancestry: Ancestry;
  readonly release: Release;
  readonly turn: SeenPush['turn'];
  /** True where a person asked for something of it to end. */
  readonly asked: boolean;
}

interface Step {
  readonly said: Said;
  readonly words: string;
  readonly wrong?: string | undefined;
}

type AboutRelease = EventDefinition & { data: { _output: { release: Release } } };

function stepsOf(looking: Looking): Step[] {
  const { facts, release, turn } = looking;
  const each = <E extends AboutRelease>(event: E, step: (data: DataOf<E>, said: SaidOf<E>) => Omit<Step, 'said'>): Step[] =>
    (byRelease(facts, event).get(release.id) ?? []).map((said) => ({ said, ...step(said.data, said) }));
  const unless = (right: boolean, words: string): string | undefined => (right ? undefined : words);
  /** Who was overtaken, or given up. */
  const given = (code: string, said: Said) =>
    unless(isGiven(code, said, looking), `nobody asked for it to be given up, and nothing newer was there: ${code}`);
  return [
    ...each(ImageBuilt, () => ({ words: 'built', wrong: unless(turn !== 'does not build', 'it was built, and cannot be') })),
    ...each(BuildFailed, ({ reason }) => ({
      words: `not built: ${reason.code}`,
      wrong: unless(turn === 'does not build', `its build failed, and nothing is wrong with it: ${reason.message}`),
    })),
    ...each(BuildCancelled, ({ reason }, said) => ({ words: `build given up: ${reason.code}`, wrong: given(reason.code, said) })),
    ...each(DeploymentFailed, ({ environment, reason }, said) => ({
      words: `${gaveUp.has(reason.code) ? 'given up before' : 'not healthy in'} ${environment}: ${reason.code}`,
      wrong: gaveUp.has(reason.code) ? given(reason.code, said) : `it did not become healthy in ${environment}, and is: ${reason.message}`,
    })),
    ...each(VerificationPassed, ({ environment }) => ({
      words: `verified in ${environment}`,
      wrong: unless(turn !== 'is not verified', `it was verified in ${environment}, and there is nothing to be seen`),
    })),
    ...each(VerificationFailed, ({ environment, evidence }) => ({
      words: `not verified in ${environment}`,
      wrong: unless(
        turn === 'is not verified',
        `it was not verified in ${environment}: ${evidence.map(({ message }) => message).join('; ')}`,
      ),
    })),
    ...each(ApprovalRequested, ({ environment }) => ({ words: `asked for in ${environment}` })),
    ...each(ApprovalRejected, ({ environment }) => ({ words: `rejected for ${environment}` })),
    ...each(ApprovalSuperseded, ({ environment }, said) => ({
      words: `overtaken before ${environment}`,
      wrong: given('superseded', said),
    })),
    ...each(ApprovalVoided, ({ environment, reason }) => ({ words: `grant voided for ${environment}: ${reason.code}` })),
    ...each(ApprovalExpired, ({ environment }) => ({
      words: `expired for ${environment}`,
      wrong: `its request for ${environment} expired within a run`,
    })),
    ...each(RolloutSucceeded, ({ environment }) => ({
      words: `live in ${environment}`,
      wrong: unless(turn !== 'does not roll out' || environment !== 'production', 'it went live in production, where it cannot be healthy'),
    })),
    ...each(RolloutAborted, ({ environment, reason }, said) => ({
      words: `rollout given up in ${environment}: ${reason.code}`,
      wrong: given(reason.code, said),
    })),
    ...each(RolloutFailed, ({ environment, reason }, said) => ({
      words: `not rolled out in ${environment}: ${reason.code}`,
      wrong: gaveUp.has(reason.code)
        ? given(reason.code, said)
        : unless(
            turn === 'does not roll out' && environment === 'production',
            `it was not healthy in ${environment}, and is: ${reason.message}`,
          ),
    })),
    ...wentBack(looking),
    ...each(ReleaseWithdrawn, () => ({ words: 'withdrawn' })),
  ];
}

/** Rollbacks name the release they left as well: a good one is left only because a person asked. */
function wentBack({ facts, release, turn, asked }: Looking): Step[] {
  return facts.named(RolloutRolledBack).flatMap((said): Step[] => {
    const { from, release: to, environment, by, reason } = said.data;
    if (to.id === release.id) return [{ said, words: `live in ${environment}` }];
    if (from?.id !== release.id) return [];
    // Who asked while it was still rolled out is not named: that rollout was given up for it.
    const right = by !== null || asked || (turn === 'does not roll out' && environment === 'production');
    const wrong = right ? undefined : `it was rolled back from ${environment}, nobody asked for that, and it is good: ${reason.message}`;
    return [{ said, words: `rolled back from ${environment}`, wrong }];
  });
}

/** Reasons that say nothing of the release itself. */
const gaveUp = new Set(['superseded', 'overtaken', 'older', 'cancelled', 'withdrawn', 'aborted', 'barred', 'asked-anew']);
const overtaken = new Set(['superseded', 'overtaken', 'older']);

/**
 * A newer release of the project was there to overtake it, with its image where it is no build that was overtaken; what it was asked for was changed; or a
 * person asked. Of an older commit under a newer configuration, a release of a newer commit is newer whatever its number.
 */
function isGiven(code: string, said: Said, { facts, ancestry, release, asked }: Looking): boolean {
  // A bound part was changed, or what ran there is not what was shown any more.
  if (code === 'changed' && (isChanged(facts, release, said) || asked)) return true;
  if (!overtaken.has(code)) return asked;
  const event = said.name === BuildCancelled.name ? CommitDetected : ImageBuilt;
  const isNewer = (other: Release): boolean => other.number > release.number || ancestry.isAncestor(release, other);
  return facts.named(event).some(({ data, ms }) => data.release.project === release.project && ms <= said.ms && isNewer(data.release));
}

/** Its project was applied anew, or something else was gone back to there. */
function isChanged(facts: Facts, { project }: Release, { ms }: Said): boolean {
  const applied = facts.named(ProjectApplied).some((said) => said.data.project === project && said.data.version > 1 && said.ms <= ms);
  return applied || facts.named(RolloutRolledBack).some((said) => said.data.release.project === project && said.ms <= ms);
}

/** Commands that name the release, or one of its environments, and that it was withdrawn. */
function askedOf(commands: readonly SaidOf<typeof CommandIssued>[], { id, project }: Release, facts: Facts): boolean {
  if (byRelease(facts, ReleaseWithdrawn).has(id)) return true;
  return commands.some(({ data }) => {
    const action = data.action as { release?: string; project?: string; kind: string };
    return action.release === id || (action.project === project && /rollback|abort/.test(action.kind));
  });
}
