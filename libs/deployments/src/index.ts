export { type AnsweredTime, answered, longestTickMs, unanswered } from './answered-time.js';
export { deploymentOf, type LateBound } from './resolved.js';
export { type Action, beginRollout, type Decision, decide, type Goal, goalOf, isDone, type RolloutPolicy, type RolloutState, type Seen } from './rollout.js';
export type { AfterFailure, Failure, FailureCode, Verdict, VerdictWithEvidence } from './verdict.js';
export { rollOut, type RolloutClaim, type RolloutOrder, type RolloutRun, type StepAnswer } from './roll-out.js';
export type { Verification, VerificationResult } from './verify.js';
export { SecretChanged, SecretFiles } from './secret-files.js';
export { type TargetOptions, Targets } from './targets.js';
