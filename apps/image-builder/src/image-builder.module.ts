import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { DockerEngine } from '@slipway/docker-engine';
import { type ConfigOf, SERVICE_CONFIG, ServiceModule } from '@slipway/service-kit';
import { DockerImageBackend } from './adapters/docker-image-backend.js';
import { PostgresBuilds } from './adapters/postgres-builds.js';
import { PostgresRetiredImages } from './adapters/postgres-retired-images.js';
import { Registries } from './adapters/registries.js';
import { RegistryAttestations } from './adapters/registry-attestations.js';
import { RegistryImages } from './adapters/registry-images.js';
import { SourceArchives } from './adapters/source-archives.js';
import { BuildLogs } from './build-log.js';
import { BuildRecord } from './build-record.js';
import { ImageBuilderConfig } from './image-builder.config.js';
import { BuildMetrics } from './image-builder.metrics.js';
import { migrations } from './migrations/index.js';
import { Attestations, Builds, ImageBackend, PushedImages, RetiredImages } from './ports.js';
import { ProvenanceSigning } from './provenance-signing.js';
import { ReconcileBuilds } from './reconcile-builds.js';
import { ReconcileImages } from './reconcile-images.js';
import { RunAttest } from './run-attest.js';
import { RunBuild } from './run-build.js';
import { RunImageRemoval } from './run-image-removal.js';
import { sealedTables } from './sealed-tables.js';
import { Settling } from './settling.js';
import { subscriptions } from './subscriptions.js';

/** The image-builder service: from a revision to an image in the registry, with its provenance. */
@Module({
  imports: [
    ServiceModule.register({
      name: 'image-builder',
      config: ImageBuilderConfig,
      migrations,
      sealed: sealedTables,
      subscriptions,
      works: [RunBuild, RunAttest, RunImageRemoval],
      reconcilers: [ReconcileBuilds, ReconcileImages],
    }),
  ],
  providers: [
    { provide: DockerEngine, useFactory: connectEngine, inject: [SERVICE_CONFIG] },
    { provide: Builds, useClass: PostgresBuilds },
    { provide: ImageBackend, useClass: DockerImageBackend },
    { provide: Attestations, useClass: RegistryAttestations },
    { provide: RetiredImages, useClass: PostgresRetiredImages },
    { provide: PushedImages, useClass: RegistryImages },
    ...[
      Registries,
      SourceArchives,
      BuildLogs,
      BuildRecord,
      BuildMetrics,
      ProvenanceSigning,
      Settling,
      RunBuild,
      RunAttest,
      RunImageRemoval,
      ReconcileBuilds,
      ReconcileImages,
    ],
    ...subscriptions.entries.map((entry) => entry.handler),
  ],
})
export class ImageBuilderModule {}

/** The engine that builds; with DOCKER_CERT_PATH by TLS, as Docker's own tools understand it. */
function connectEngine(config: ConfigOf<typeof ImageBuilderConfig>): DockerEngine {
  const folder = config.DOCKER_CERT_PATH;
  if (folder === undefined) return DockerEngine.connect(config.DOCKER_HOST);
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFileSync(join(folder, name)));
  return DockerEngine.connect(config.DOCKER_HOST, { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
}
