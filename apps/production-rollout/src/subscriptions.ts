import {
  ApprovalGranted,
  ApprovalSuperseded,
  ApprovalVoided,
  CommandIssued,
  ProjectApplied,
  ReleaseWithdrawn,
  TargetApplied,
} from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { OnApprovalGranted } from './on-approval-granted.js';
import { OnApprovalSuperseded } from './on-approval-superseded.js';
import { OnApprovalVoided } from './on-approval-voided.js';
import { OnCommandIssued } from './on-command-issued.js';
import { OnProjectApplied } from './on-project-applied.js';
import { OnReleaseWithdrawn } from './on-release-withdrawn.js';
import { OnTargetApplied } from './on-target-applied.js';

/** What production-rollout reacts to. */
export const subscriptions = subscribe('production-rollout', [
  on(ApprovalGranted, OnApprovalGranted),
  on(ApprovalSuperseded, OnApprovalSuperseded),
  on(ApprovalVoided, OnApprovalVoided),
  on(ReleaseWithdrawn, OnReleaseWithdrawn),
  on(ProjectApplied, OnProjectApplied),
  on(TargetApplied, OnTargetApplied),
  on(CommandIssued, OnCommandIssued),
]);
