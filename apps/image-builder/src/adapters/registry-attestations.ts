import { Inject, Injectable } from '@nestjs/common';
import type { DsseEnvelope, ImageReference } from '@slipway/contracts';
import { putAttestation, RegistryRefused, RegistryUntrusted } from '@slipway/registry';
import { LOGGER, type Logger } from '@slipway/service-kit';
import { predicateType } from '../domain/provenance.js';
import { Attestations } from '../ports.js';
import { Registries } from './registries.js';

/** What tools look for (in-toto attestation framework, "bundle" as one DSSE envelope). */
const artifactType = 'application/vnd.dsse.envelope.v1+json';

/** {@link Attestations} in the image's own repository, by the OCI referrers rules. */
@Injectable()
export class RegistryAttestations extends Attestations {
  constructor(
    private readonly registries: Registries,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    super();
  }

  async put(image: ImageReference, envelope: DsseEnvelope, signal: AbortSignal): Promise<boolean> {
    const { registry, path } = await this.registries.of(image.repository);
    const bytes = Buffer.from(JSON.stringify(envelope));
    const annotations = { 'in-toto.io/predicate-type': predicateType };
    try {
      return (await putAttestation(registry, path, image.digest, { artifactType, bytes, annotations }, { signal })) !== undefined;
    } catch (error) {
      if (!(error instanceof RegistryRefused || error instanceof RegistryUntrusted)) throw error;
      this.logger.warn(
        { err: error, repository: image.repository },
        'the registry takes no attestations; image.built carries the provenance',
      );
      return false;
    }
  }
}
