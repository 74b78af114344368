import { Module } from '@nestjs/common';
import { SecretFiles, targetsOf } from '@slipway/deployments';
import type { ServiceKey } from '@slipway/identity';
import { type ConfigOf, SERVICE_CONFIG, SERVICE_KEY, ServiceModule } from '@slipway/service-kit';
import { PostgresApplied } from './adapters/postgres-applied.js';
import { PostgresDecisions } from './adapters/postgres-decisions.js';
import { PostgresDeployments } from './adapters/postgres-deployments.js';
import { SignedProofs } from './adapters/signed-proofs.js';
import { Beginning } from './beginning.js';
import { Decided } from './decided.js';
import { Deploying } from './deploying.js';
import { Ending } from './ending.js';
import { Holding } from './holding.js';
import { migrations } from './migrations/index.js';
import { Applied, Decisions, Deployments, Places, Proofs, Secrets } from './ports.js';
import { Queueing } from './queueing.js';
import { Redeploying } from './redeploying.js';
import { Resolving } from './resolving.js';
import { RunDeployment } from './run-deployment.js';
import { RunGuard } from './run-guard.js';
import { RunHoldEnd } from './run-hold-end.js';
import { RunRemoval } from './run-removal.js';
import { RunVerification } from './run-verification.js';
import { sealedTables } from './sealed-tables.js';
import { Stopping } from './stopping.js';
import { subscriptions } from './subscriptions.js';
import { Telling } from './telling.js';
import { TestDeployerConfig } from './test-deployer.config.js';
import { TestDeployerMetrics } from './test-deployer.metrics.js';
import { VerifyLogs } from './verify-log.js';

type Config = ConfigOf<typeof TestDeployerConfig>;

const works = [RunDeployment, RunVerification, RunGuard, RunRemoval, RunHoldEnd];

/** The test-deployer service: test environments, from the image to the verdict on what runs there. */
@Module({
  imports: [
    ServiceModule.register({ name: 'test-deployer', config: TestDeployerConfig, migrations, sealed: sealedTables, subscriptions, works }),
  ],
  providers: [
    { provide: Deployments, useClass: PostgresDeployments },
    { provide: Decisions, useClass: PostgresDecisions },
    { provide: Applied, useClass: PostgresApplied },
    { provide: Proofs, useClass: SignedProofs },
    { provide: Places, inject: [SERVICE_CONFIG], useFactory: targetsOf },
    {
      provide: Secrets,
      inject: [SERVICE_CONFIG, SERVICE_KEY],
      useFactory: (config: Config, key: ServiceKey) => new SecretFiles(config.SLIPWAY_SECRETS_DIR, key.derive('secret-versions')),
    },
    ...[
      Beginning,
      Decided,
      Deploying,
      Ending,
      Holding,
      Queueing,
      Redeploying,
      Resolving,
      Stopping,
      Telling,
      TestDeployerMetrics,
      VerifyLogs,
    ],
    ...works,
    ...subscriptions.entries.map((entry) => entry.handler),
  ],
})
export class TestDeployerModule {}
