import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { SERVICE_CONFIG, ServiceModule } from '@slipway/service-kit';
import { createSourceControls } from '@slipway/source-control';
import { PostgresReleases } from './adapters/postgres-releases.js';
import { PostgresSources } from './adapters/postgres-sources.js';
import { SystemRepositories } from './adapters/repositories.js';
import { WebhookSecretFiles } from './adapters/webhook-secret-files.js';
import { Births } from './births.js';
import { Gathering } from './gathering.js';
import { HookRoutes } from './http/routes.js';
import { SubversionHooks } from './http/subversion.js';
import { WebhookSigning } from './http/webhook-signing.js';
import { Webhooks } from './http/webhooks.js';
import { migrations } from './migrations/index.js';
import { Releases, Repositories, Sources, WebhookSecrets } from './ports.js';
import { ReconcileCopies } from './reconcile-copies.js';
import { ReconcilePolls } from './reconcile-polls.js';
import { RunForget } from './run-forget.js';
import { RunPoll } from './run-poll.js';
import { sealedTables } from './sealed-tables.js';
import { SourceWatcherConfig } from './source-watcher.config.js';
import { SourceWatcherMetrics } from './source-watcher.metrics.js';
import { subscriptions } from './subscriptions.js';

function systemRepositories(config: SourceWatcherConfig): SystemRepositories {
  const controls = createSourceControls({
    dataDir: join(config.SLIPWAY_DATA_DIR, 'sources'),
    secretsDir: config.SLIPWAY_SECRETS_DIR,
    caFile: config.SLIPWAY_SOURCE_CA_FILE,
    fileFolders: config.SLIPWAY_SOURCE_FILE_FOLDERS,
    limits: { mirrorBytes: config.SLIPWAY_MIRROR_LIMIT },
  });
  return new SystemRepositories(controls);
}

/** The source-watcher service: sees what changes in the sources, and gives birth to releases. */
@Module({
  imports: [
    ServiceModule.register({
      name: 'source-watcher',
      config: SourceWatcherConfig,
      migrations,
      sealed: sealedTables,
      subscriptions,
      works: [RunPoll, RunForget],
      reconcilers: [ReconcilePolls, ReconcileCopies],
    }),
  ],
  providers: [
    { provide: Sources, useClass: PostgresSources },
    { provide: Releases, useClass: PostgresReleases },
    { provide: Repositories, inject: [SERVICE_CONFIG], useFactory: systemRepositories },
    {
      provide: WebhookSecrets,
      inject: [SERVICE_CONFIG],
      useFactory: (config: SourceWatcherConfig) => new WebhookSecretFiles(config.SLIPWAY_SECRETS_DIR),
    },
    ...[
      Births,
      Gathering,
      RunPoll,
      RunForget,
      ReconcilePolls,
      ReconcileCopies,
      SourceWatcherMetrics,
      WebhookSigning,
      Webhooks,
      SubversionHooks,
      HookRoutes,
    ],
    ...subscriptions.entries.map((entry) => entry.handler),
  ],
})
export class SourceWatcherModule {}
