import { CommandIssued, CommitDetected, ImageRetired, ProjectApplied } from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { OnCommandIssued } from './on-command-issued.js';
import { OnCommitDetected } from './on-commit-detected.js';
import { OnImageRetired } from './on-image-retired.js';
import { OnProjectApplied } from './on-project-applied.js';

/** What image-builder reacts to. */
export const subscriptions = subscribe('image-builder', [
  on(CommitDetected, OnCommitDetected),
  on(ProjectApplied, OnProjectApplied),
  on(CommandIssued, OnCommandIssued),
  on(ImageRetired, OnImageRetired),
]);
