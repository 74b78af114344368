import { BuildCancelled, BuildFailed, CommandIssued, ImageBuilt, ProjectApplied, SecretVersioned } from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { OnBuildCancelled } from './on-build-cancelled.js';
import { OnBuildFailed } from './on-build-failed.js';
import { OnCommandIssued } from './on-command-issued.js';
import { OnImageBuilt } from './on-image-built.js';
import { OnProjectApplied } from './on-project-applied.js';
import { OnSecretVersioned } from './on-secret-versioned.js';

/** What source-watcher reacts to. */
export const subscriptions = subscribe('source-watcher', [
  on(ProjectApplied, OnProjectApplied),
  on(SecretVersioned, OnSecretVersioned),
  on(ImageBuilt, OnImageBuilt),
  on(BuildFailed, OnBuildFailed),
  on(BuildCancelled, OnBuildCancelled),
  on(CommandIssued, OnCommandIssued),
]);
