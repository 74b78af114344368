export { canonicalJson, type Sha256Of } from './canonical.js';
export { type BoundPart, type ChangedPart, changedParts } from './changed-parts.js';
export { type DeployAgain, deployAgain } from './deploy-again.js';
export { type Change, humansOf, type Involved, involvedIn, type Known, personMatches } from './duties.js';
export { asTold, comesAfter, type Handed, inOrder, type Placed, type Told } from './event-order.js';
export { compareReleases, goesBackwards, type LineOrder, newestOf, type Ordered } from './line-order.js';
export { matches } from './pattern.js';
export {
  accepts,
  environmentOf,
  lastEnvironments,
  nextEnvironments,
  openedBy,
  promotionPath,
  testEnvironmentBefore,
} from './promotion-path.js';
export {
  type BuildStatus,
  type EnvironmentState,
  type EnvironmentStatus,
  foldRelease,
  type Phase,
  type ReleaseState,
  type RequestState,
  releaseAfter,
  releasesOf,
} from './release-state.js';
export { type Assigned, assign, type Candidate, type Filling, type Missing, missingFrom } from './requirement-assignment.js';
export { asksOf, canonicalForm, type Resolved, type Resolving, resolveDeployment, settingsOf } from './resolved-deployment.js';
export type { RetiredImage } from './retired-image.js';
export {
  type Approval,
  type Asked,
  type Judged,
  judge,
  refusalOf,
  rejectionRefusalOf,
  type Standing,
  type StillMissing,
} from './sign-off-rules.js';
export { type TimelineEntry, timelineOf, type Words } from './timeline.js';
export type { Wait, WaitCode } from './wait.js';
export { type Around, passedBy, waitingFor } from './waiting-for.js';
export { askedOf } from './waiting-for-people.js';
