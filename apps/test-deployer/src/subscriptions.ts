import {
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  CommandIssued,
  ImageBuilt,
  ProjectApplied,
  ReleaseWithdrawn,
  TargetApplied,
  VerificationPassed,
} from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { OnApprovalExpired } from './on-approval-expired.js';
import { OnApprovalGranted } from './on-approval-granted.js';
import { OnApprovalRejected } from './on-approval-rejected.js';
import { OnApprovalRequested } from './on-approval-requested.js';
import { OnApprovalSuperseded } from './on-approval-superseded.js';
import { OnApprovalVoided } from './on-approval-voided.js';
import { OnCommandIssued } from './on-command-issued.js';
import { OnImageBuilt } from './on-image-built.js';
import { OnProjectApplied } from './on-project-applied.js';
import { OnReleaseWithdrawn } from './on-release-withdrawn.js';
import { OnTargetApplied } from './on-target-applied.js';
import { OnVerificationPassed } from './on-verification-passed.js';

/** What test-deployer reacts to. */
export const subscriptions = subscribe('test-deployer', [
  on(ImageBuilt, OnImageBuilt),
  on(VerificationPassed, OnVerificationPassed),
  on(ApprovalRequested, OnApprovalRequested),
  on(ApprovalGranted, OnApprovalGranted),
  on(ApprovalRejected, OnApprovalRejected),
  on(ApprovalExpired, OnApprovalExpired),
  on(ApprovalSuperseded, OnApprovalSuperseded),
  on(ApprovalVoided, OnApprovalVoided),
  on(ReleaseWithdrawn, OnReleaseWithdrawn),
  on(ProjectApplied, OnProjectApplied),
  on(TargetApplied, OnTargetApplied),
  on(CommandIssued, OnCommandIssued),
]);
