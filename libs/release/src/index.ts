export { canonicalJson, type Sha256Of } from './canonical.js';
export { type BoundPart, type ChangedPart, changedParts } from './changed-parts.js';
export { type Change, humansOf, type Involved, involvedIn, type Known, personMatches } from './duties.js';
export { compareReleases, goesBackwards, type LineOrder, newestOf, type Ordered } from './line-order.js';
export { matches } from './pattern.js';
export { accepts, environmentOf, lastEnvironments, nextEnvironments, openedBy, promotionPath } from './promotion-path.js';
export { type Assigned, assign, type Candidate, type Filling, type Missing, missingFrom } from './requirement-assignment.js';
export { asksOf, canonicalForm, resolveDeployment, type Resolved, type Resolving, settingsOf } from './resolved-deployment.js';
export { type Approval, type Asked, judge, type Judged, refusalOf, rejectionRefusalOf, type Standing, type StillMissing } from './sign-off-rules.js';
