import {
  ApprovalGranted,
  ApprovalSuperseded,
  ApprovalVoided,
  type Release,
  RolloutSucceeded,
  VerificationPassed,
} from '@slipway/contracts';
import type { Facts, Said } from './facts.ts';
import type { Row } from './history.ts';
import { byRelease, rowsBy } from './indexes.ts';
import type { Files, Moving } from './moving.ts';

/** A release that has its image, and where to look for what became of it. */
export interface Built {
  readonly release: Release;
  /** The event that said so. */
  readonly built: Said;
  readonly facts: Facts;
  readonly moving: Moving;
  readonly files: Files;
  /** When everything had been read. */
  readonly until: number;
}

export type Stand = { readonly how: 'moving' | 'waiting' } | { readonly how: 'lost'; readonly why: string };

const moves: Stand = { how: 'moving' };
const lost = (why: string): Stand => ({ how: 'lost', why });
/** What a moment may still bring. */
const patienceMs = 60_000;

/** What the release has passed, with the event that said so last. */
function passedBy({ release, facts, built }: Built): { names: Set<string>; last: Said } {
  const said = [
    ...(byRelease(facts, VerificationPassed).get(release.id) ?? []),
    ...(byRelease(facts, RolloutSucceeded).get(release.id) ?? []),
  ];
  const last = [built, ...said].toSorted((one, other) => one.ms - other.ms).at(-1) ?? built;
  return { names: new Set(said.map(({ data }) => data.environment)), last };
}

/** Test environments it should have come to, and those it is in. */
export function inTest(where: Built): Stand[] {
  const { release, facts, moving, files } = where;
  const rows = rowsBy(facts, 'test-deployer', 'deployment', 'release').get(release.id) ?? [];
  const { names, last } = passedBy(where);
  const missing = files
    .opened(release, names, last.ms)
    .filter(({ name, stage }) => stage === 'test' && !rows.some(({ environment }) => environment === name))
    .map(({ name }) =>
      isOnItsWay(where, last, 'test-deployer') ? moves : lost(`it never came to ${name}, though ${last.name} opened it`),
    );
  const here = rows.flatMap(({ id, state, environment }): Stand[] => {
    if (state !== 'waiting' && state !== 'deploying' && state !== 'verifying') return [];
    const isOwed = moving.owes('test-deployer', state === 'verifying' ? 'verification' : 'deployment', String(id));
    return [isOwed ? moves : lost(`it is ${state} in ${String(environment)} and nobody works on it`)];
  });
  return [...missing, ...here];
}

/** Environments it should have been asked for, and the requests that stand. */
export function inApproval(where: Built): Stand[] {
  const { release, facts, files } = where;
  const rows = rowsBy(facts, 'approval', 'request', 'release').get(release.id) ?? [];
  const { names, last } = passedBy(where);
  const never = [ApprovalSuperseded, ApprovalVoided].flatMap((event) => byRelease(facts, event).get(release.id) ?? []);
  const missing = files
    .opened(release, names, last.ms)
    .filter(({ name, stage }) => stage !== 'test' && !rows.some(({ environment }) => environment === name))
    .filter(({ name }) => !never.some(({ data }) => data.environment === name))
    .map(({ name }) => (isOnItsWay(where, last, 'approval') ? moves : lost(`nobody was asked for ${name}, though ${last.name} opened it`)));
  return [...missing, ...rows.flatMap((row) => asked(where, row))];
}

interface Request {
  readonly policy: { readonly require: readonly unknown[] };
  readonly soakUntil: string | null;
  readonly expiresAt: string;
}

function asked({ release, facts, moving, until }: Built, { id, state, environment, request, grant_used: used }: Row): Stand[] {
  const { policy, soakUntil, expiresAt } = request as Request;
  if (state === 'open') {
    if (Date.parse(expiresAt) < until - patienceMs)
      return [lost(`its request for ${String(environment)} was open until ${expiresAt} and is open still`)];
    const soaks = soakUntil !== null && Date.parse(soakUntil) > until - patienceMs;
    if (policy.require.length === 0 && !soaks) return [lost(`its request for ${String(environment)} waits for nobody`)];
    return [{ how: 'waiting' }];
  }
  if (state !== 'granted' || used === true) return [];
  const rollout =
    facts.rows('production-rollout', 'rollout').length > 0
      ? rowsBy(facts, 'production-rollout', 'rollout', 'request').get(String(id))
      : undefined;
  // Its rollout has begun or ended, and approval has not heard so: the rollout itself is looked at beside this.
  if (rollout !== undefined) return [];
  const granted = byRelease(facts, ApprovalGranted).get(release.id) ?? [];
  if (granted.some(({ id: event }) => moving.isUnheard(event, 'production-rollout'))) return [moves];
  return [lost(`it was let into ${String(environment)} and no rollout waits for it`)];
}

/** Rollouts that wait or are under way. */
export function inRollout({ release, facts, moving }: Built): Stand[] {
  return (rowsBy(facts, 'production-rollout', 'rollout', 'release').get(release.id) ?? []).flatMap(
    ({ id, state, environment }): Stand[] => {
      if (state !== 'waiting' && state !== 'running') return [];
      const isOwed = moving.owes('production-rollout', 'rollout', String(id));
      return [isOwed ? moves : lost(`its rollout into ${String(environment)} is ${state} and nobody works on it`)];
    },
  );
}

/** Still being said, or kept for later by who must act on it. */
function isOnItsWay({ facts, moving }: Built, event: Said, by: string): boolean {
  return moving.isUnheard(event.id, by) || facts.rows(by, 'parked').some(({ event_id: id }) => id === event.id);
}
