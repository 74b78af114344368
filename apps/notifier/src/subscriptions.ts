import {
  ApprovalExpired,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  BuildFailed,
  CommandIssued,
  DeploymentFailed,
  PersonChanged,
  RolloutFailed,
  RolloutRolledBack,
  RolloutSucceeded,
  VerificationFailed,
} from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { OnApprovalExpired } from './on-approval-expired.js';
import { OnApprovalRejected } from './on-approval-rejected.js';
import { OnApprovalRequested } from './on-approval-requested.js';
import { OnApprovalSuperseded } from './on-approval-superseded.js';
import { OnApprovalVoided } from './on-approval-voided.js';
import { OnBuildFailed } from './on-build-failed.js';
import { OnCommandIssued } from './on-command-issued.js';
import { OnDeploymentFailed } from './on-deployment-failed.js';
import { OnPersonChanged } from './on-person-changed.js';
import { OnRolloutFailed } from './on-rollout-failed.js';
import { OnRolloutRolledBack } from './on-rollout-rolled-back.js';
import { OnRolloutSucceeded } from './on-rollout-succeeded.js';
import { OnVerificationFailed } from './on-verification-failed.js';

/** What notifier reacts to. */
export const subscriptions = subscribe('notifier', [
  on(PersonChanged, OnPersonChanged),
  on(BuildFailed, OnBuildFailed),
  on(DeploymentFailed, OnDeploymentFailed),
  on(VerificationFailed, OnVerificationFailed),
  on(ApprovalRequested, OnApprovalRequested),
  on(ApprovalRejected, OnApprovalRejected),
  on(ApprovalExpired, OnApprovalExpired),
  on(ApprovalVoided, OnApprovalVoided),
  on(ApprovalSuperseded, OnApprovalSuperseded),
  on(RolloutSucceeded, OnRolloutSucceeded),
  on(RolloutFailed, OnRolloutFailed),
  on(RolloutRolledBack, OnRolloutRolledBack),
  on(CommandIssued, OnCommandIssued),
]);
