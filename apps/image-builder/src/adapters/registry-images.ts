import { Inject, Injectable } from '@nestjs/common';
import type { ImageReference, Reason } from '@slipway/contracts';
import { PartUnavailable } from '@slipway/operations';
import { type OwnTags, RegistryUnavailable, RegistryUntrusted, type Removal, removeImage } from '@slipway/registry';
import { LOGGER, type Logger } from '@slipway/service-kit';
import { PushedImages } from '../ports.js';
import { Registries } from './registries.js';

const mends: Record<Extract<Removal, { outcome: 'refused' }>['code'], string> = {
  'delete-disabled':
    'the registry deletes nothing: switch that on (docker-registry: storage.delete.enabled), or set SLIPWAY_KEEP_IMAGES_DAYS=0',
  'not-allowed': 'the credentials of image-builder may not delete there',
  tagged: 'it stays while that tag is on it',
  refused: 'it is tried again',
};

/** {@link PushedImages} by the OCI distribution protocol. What stands in a registry's way is logged once by each process. */
@Injectable()
export class RegistryImages extends PushedImages {
  private readonly told = new Set<string>();

  constructor(
    private readonly registries: Registries,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    super();
  }

  async remove(image: ImageReference, ownOf: OwnTags, signal: AbortSignal): Promise<Reason | null> {
    const { registry, path } = await this.registries.of(image.repository);
    try {
      const removal = await removeImage(registry, path, image.digest, ownOf, { signal });
      if (removal.outcome === 'removed') return null;
      const reason = { code: removal.code, message: `${removal.message}; ${mends[removal.code]}`.slice(0, 4000) };
      this.tell(registry.host, reason);
      return reason;
    } catch (error) {
      if (error instanceof RegistryUnavailable) throw new PartUnavailable('registry', error.message, { cause: error });
      if (!(error instanceof RegistryUntrusted)) throw error;
      return { code: 'refused', message: error.message.slice(0, 4000) };
    }
  }

  private tell(host: string, { code, message }: Reason): void {
    if (code === 'tagged' || this.told.has(`${host} ${code}`)) return;
    this.told.add(`${host} ${code}`);
    this.logger.warn({ registry: host, reason: message }, 'a registry does not remove images that are needed no longer');
  }
}
