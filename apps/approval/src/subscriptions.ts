import {
  CommandIssued,
  CommitDetected,
  DeploymentSucceeded,
  EnvironmentHeld,
  EnvironmentRemoved,
  EnvironmentUnheld,
  PersonChanged,
  PersonInvited,
  PersonSignedIn,
  ProjectApplied,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
  SecretVersioned,
  SignOffPosted,
  TargetApplied,
  TokenAdded,
  TokenRevoked,
  VerificationPassed,
} from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { OnCommandIssued } from './on-command-issued.js';
import { OnCommitDetected } from './on-commit-detected.js';
import { OnDeploymentSucceeded } from './on-deployment-succeeded.js';
import { OnEnvironmentHeld } from './on-environment-held.js';
import { OnEnvironmentRemoved } from './on-environment-removed.js';
import { OnEnvironmentUnheld } from './on-environment-unheld.js';
import { OnPersonChanged } from './on-person-changed.js';
import { OnPersonInvited } from './on-person-invited.js';
import { OnPersonSignedIn } from './on-person-signed-in.js';
import { OnProjectApplied } from './on-project-applied.js';
import { OnRolloutAborted } from './on-rollout-aborted.js';
import { OnRolloutFailed } from './on-rollout-failed.js';
import { OnRolloutRolledBack } from './on-rollout-rolled-back.js';
import { OnRolloutStarted } from './on-rollout-started.js';
import { OnRolloutSucceeded } from './on-rollout-succeeded.js';
import { OnSecretVersioned } from './on-secret-versioned.js';
import { OnSignOffPosted } from './on-sign-off-posted.js';
import { OnTargetApplied } from './on-target-applied.js';
import { OnTokenAdded } from './on-token-added.js';
import { OnTokenRevoked } from './on-token-revoked.js';
import { OnVerificationPassed } from './on-verification-passed.js';

/** What approval reacts to. */
export const subscriptions = subscribe('approval', [
  on(CommitDetected, OnCommitDetected),
  on(DeploymentSucceeded, OnDeploymentSucceeded),
  on(VerificationPassed, OnVerificationPassed),
  on(SignOffPosted, OnSignOffPosted),
  on(RolloutStarted, OnRolloutStarted),
  on(RolloutSucceeded, OnRolloutSucceeded),
  on(RolloutFailed, OnRolloutFailed),
  on(RolloutAborted, OnRolloutAborted),
  on(RolloutRolledBack, OnRolloutRolledBack),
  on(EnvironmentHeld, OnEnvironmentHeld),
  on(EnvironmentUnheld, OnEnvironmentUnheld),
  on(EnvironmentRemoved, OnEnvironmentRemoved),
  on(ProjectApplied, OnProjectApplied),
  on(TargetApplied, OnTargetApplied),
  on(PersonChanged, OnPersonChanged),
  on(PersonInvited, OnPersonInvited),
  on(PersonSignedIn, OnPersonSignedIn),
  on(TokenAdded, OnTokenAdded),
  on(TokenRevoked, OnTokenRevoked),
  on(SecretVersioned, OnSecretVersioned),
  on(CommandIssued, OnCommandIssued, { record: true }),
]);
