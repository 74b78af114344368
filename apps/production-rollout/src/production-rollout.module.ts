import { Module } from '@nestjs/common';
import { SecretFiles, targetsOf } from '@slipway/deployments';
import type { ServiceKey } from '@slipway/identity';
import { type ConfigOf, SERVICE_CONFIG, SERVICE_KEY, ServiceModule } from '@slipway/service-kit';
import { ApprovalView } from './adapters/approval-view.js';
import { PostgresApplied } from './adapters/postgres-applied.js';
import { PostgresRollouts } from './adapters/postgres-rollouts.js';
import { SignedProofs } from './adapters/signed-proofs.js';
import { Beginning } from './beginning.js';
import { Converging } from './converging.js';
import { Driving } from './driving.js';
import { Ending } from './ending.js';
import { Hands } from './hands.js';
import { migrations } from './migrations/index.js';
import { Placing } from './placing.js';
import { Applied, GrantsGoodNow, Places, Proofs, Rollouts, Secrets } from './ports.js';
import { ProductionRolloutConfig } from './production-rollout.config.js';
import { RolloutMetrics } from './production-rollout.metrics.js';
import { RequestEnds } from './request-ends.js';
import { RunGuard } from './run-guard.js';
import { RunRollout } from './run-rollout.js';
import { RunScale } from './run-scale.js';
import { RunSecretLook } from './run-secret-look.js';
import { sealedTables } from './sealed-tables.js';
import { SecretLook } from './secret-look.js';
import { subscriptions } from './subscriptions.js';
import { Telling } from './telling.js';

type Config = ConfigOf<typeof ProductionRolloutConfig>;

/** The production-rollout service: pre-release and production environments, from the grant to what runs. */
@Module({
  imports: [
    ServiceModule.register({
      name: 'production-rollout',
      config: ProductionRolloutConfig,
      migrations,
      sealed: sealedTables,
      subscriptions,
      works: [RunRollout, RunScale, RunGuard, RunSecretLook],
      reconcilers: [SecretLook],
    }),
  ],
  providers: [
    { provide: Rollouts, useClass: PostgresRollouts },
    { provide: Applied, useClass: PostgresApplied },
    { provide: GrantsGoodNow, useClass: ApprovalView },
    { provide: Proofs, useClass: SignedProofs },
    { provide: Places, inject: [SERVICE_CONFIG], useFactory: targetsOf },
    {
      provide: Secrets,
      inject: [SERVICE_CONFIG, SERVICE_KEY],
      useFactory: (config: Config, key: ServiceKey) => new SecretFiles(config.SLIPWAY_SECRETS_DIR, key.derive('secret-versions')),
    },
    ...[
      Beginning,
      Converging,
      Driving,
      Ending,
      Hands,
      Placing,
      RequestEnds,
      RolloutMetrics,
      SecretLook,
      Telling,
      RunGuard,
      RunRollout,
      RunScale,
      RunSecretLook,
    ],
    ...subscriptions.entries.map((entry) => entry.handler),
  ],
})
export class ProductionRolloutModule {}
