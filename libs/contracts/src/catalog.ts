import { ApprovalExpired } from './approval/approval-expired.js';
import { ApprovalGranted } from './approval/approval-granted.js';
import { ApprovalRejected } from './approval/approval-rejected.js';
import { ApprovalRequested } from './approval/approval-requested.js';
import { ApprovalSuperseded } from './approval/approval-superseded.js';
import { ApprovalVoided } from './approval/approval-voided.js';
import { AuditLinked } from './approval/audit-linked.js';
import { ReleaseWithdrawn } from './approval/release-withdrawn.js';
import { SignOffAccepted } from './approval/sign-off-accepted.js';
import { SignOffRefused } from './approval/sign-off-refused.js';
import type { EventDefinition } from './define-event.js';
import { CommandAccepted } from './every/command-accepted.js';
import { CommandRefused } from './every/command-refused.js';
import { EventDeadLettered } from './every/event-dead-lettered.js';
import { EventNoted } from './every/event-noted.js';
import { LogAppended } from './every/log-appended.js';
import { PartAway } from './every/part-away.js';
import { PartBack } from './every/part-back.js';
import { SecretVersioned } from './every/secret-versioned.js';
import { CommandIssued } from './gateway/command-issued.js';
import { ImageRetired } from './gateway/image-retired.js';
import { PersonChanged } from './gateway/person-changed.js';
import { PersonInvited } from './gateway/person-invited.js';
import { PersonSignedIn } from './gateway/person-signed-in.js';
import { ProjectApplied } from './gateway/project-applied.js';
import { TargetApplied } from './gateway/target-applied.js';
import { TokenAdded } from './gateway/token-added.js';
import { TokenRevoked } from './gateway/token-revoked.js';
import { BuildCancelled } from './image-builder/build-cancelled.js';
import { BuildFailed } from './image-builder/build-failed.js';
import { BuildStarted } from './image-builder/build-started.js';
import { ImageBuilt } from './image-builder/image-built.js';
import { ImageRemoved } from './image-builder/image-removed.js';
import { NotificationDelivered } from './notifier/notification-delivered.js';
import { NotificationFailed } from './notifier/notification-failed.js';
import { SignOffPosted } from './outside/sign-off-posted.js';
import { EnvironmentDrifted } from './production-rollout/environment-drifted.js';
import { EnvironmentRecovered } from './production-rollout/environment-recovered.js';
import { EnvironmentScaled } from './production-rollout/environment-scaled.js';
import { RolloutAborted } from './production-rollout/rollout-aborted.js';
import { RolloutAdvanced } from './production-rollout/rollout-advanced.js';
import { RolloutFailed } from './production-rollout/rollout-failed.js';
import { RolloutRolledBack } from './production-rollout/rollout-rolled-back.js';
import { RolloutStarted } from './production-rollout/rollout-started.js';
import { RolloutSucceeded } from './production-rollout/rollout-succeeded.js';
import { CommitDetected } from './source-watcher/commit-detected.js';
import { CommitFolded } from './source-watcher/commit-folded.js';
import { CommitIgnored } from './source-watcher/commit-ignored.js';
import { SourceFailed } from './source-watcher/source-failed.js';
import { SourceRecovered } from './source-watcher/source-recovered.js';
import { DeploymentFailed } from './test-deployer/deployment-failed.js';
import { DeploymentStarted } from './test-deployer/deployment-started.js';
import { DeploymentSucceeded } from './test-deployer/deployment-succeeded.js';
import { EnvironmentHeld } from './test-deployer/environment-held.js';
import { EnvironmentRemoved } from './test-deployer/environment-removed.js';
import { EnvironmentUnheld } from './test-deployer/environment-unheld.js';
import { VerificationFailed } from './test-deployer/verification-failed.js';
import { VerificationPassed } from './test-deployer/verification-passed.js';

const all = [
  CommitDetected,
  CommitFolded,
  CommitIgnored,
  SourceFailed,
  SourceRecovered,
  BuildCancelled,
  BuildFailed,
  BuildStarted,
  ImageBuilt,
  ImageRemoved,
  DeploymentFailed,
  DeploymentStarted,
  DeploymentSucceeded,
  EnvironmentHeld,
  EnvironmentRemoved,
  EnvironmentUnheld,
  VerificationFailed,
  VerificationPassed,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  AuditLinked,
  ReleaseWithdrawn,
  SignOffAccepted,
  SignOffRefused,
  EnvironmentDrifted,
  EnvironmentRecovered,
  EnvironmentScaled,
  RolloutAborted,
  RolloutAdvanced,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
  CommandIssued,
  ImageRetired,
  PersonChanged,
  PersonInvited,
  PersonSignedIn,
  ProjectApplied,
  TargetApplied,
  TokenAdded,
  TokenRevoked,
  NotificationDelivered,
  NotificationFailed,
  CommandAccepted,
  CommandRefused,
  EventDeadLettered,
  EventNoted,
  LogAppended,
  PartAway,
  PartBack,
  SecretVersioned,
  SignOffPosted,
] as const;

/** Every event of the suite, by name. */
export const catalog: ReadonlyMap<string, EventDefinition> = new Map(all.map((event) => [event.name, event]));

/** Every event with its type kept, for exhaustive switches over `name`. */
export type AnyEvent = (typeof all)[number];
