import {
  ApprovalExpired,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  BuildCancelled,
  BuildFailed,
  CommitDetected,
  DeploymentFailed,
  type EventDefinition,
  type Release,
  ReleaseWithdrawn,
  RolloutFailed,
  RolloutRolledBack,
  RolloutSucceeded,
  VerificationFailed,
} from '@slipway/contracts';
import type { Ear } from './an-ear.js';

type OfRelease = EventDefinition & { data: { _output: { release: Release } } };

/** From the weakest to the strongest: what was said of a release last of all counts. */
const ends: readonly (readonly [string, OfRelease])[] = [
  ['under way', CommitDetected],
  ['asked for', ApprovalRequested],
  ['superseded', ApprovalSuperseded],
  ['expired', ApprovalExpired],
  ['rejected', ApprovalRejected],
  ['not built', BuildFailed],
  ['cancelled', BuildCancelled],
  ['not deployed', DeploymentFailed],
  ['not verified', VerificationFailed],
  ['not rolled out', RolloutFailed],
  ['rolled back', RolloutRolledBack],
  ['withdrawn', ReleaseWithdrawn],
];

/** How many releases came to what, as events told it: for people who watch. The judge looks for itself. */
export function endsOf(ear: Ear): Record<string, number> {
  const where = new Map<string, string>();
  for (const [name, event] of ends) for (const { release } of all(ear, event)) where.set(release.id, name);
  for (const { release, environment, reason } of ear.all(DeploymentFailed))
    if (reason.code === 'superseded') where.set(release.id, `overtaken before ${environment}`);
  for (const { release, environment } of ear.all(RolloutSucceeded)) where.set(release.id, `live in ${environment}`);
  const counts: Record<string, number> = {};
  for (const end of where.values()) counts[end] = (counts[end] ?? 0) + 1;
  return { ...{ born: where.size }, ...counts };
}

function all(ear: Ear, event: OfRelease): { release: Release }[] {
  return ear.all(event) as { release: Release }[];
}
