import { setTimeout as delay } from 'node:timers/promises';
import type { OciRegistry as Registry } from '@slipway/registry';
import type { ImageBackend, Order, Produced, Production } from '../../../apps/image-builder/dist/ports.js';
import { bootWith, compiled } from './replace-port.ts';

/** How long a build takes. */
const buildMs = 10;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

const { OciRegistry, digestOf } = (await compiled('libs/registry/dist/index.js')) as {
  OciRegistry: typeof Registry;
  digestOf(bytes: Uint8Array): string;
};

/**
 * STAND-IN for the Docker Engine that builds: takes 10 ms and leaves a real manifest, with a digest of its own for every release, in the real
 * registry, because image-builder asks the registry for it when it keeps the provenance beside it. Tried again it finds the same.
 */
class StandInBackend implements ImageBackend {
  private readonly registries = new Map<string, Registry>();
  private readonly configured = new Map<string, Promise<string>>();

  async produce(order: Order, production: Production): Promise<Produced> {
    production.log(`stand-in: builds release ${order.release.number}`);
    await delay(buildMs, undefined, { signal: production.signal });
    const { repository } = order.recipe;
    const slash = repository.indexOf('/');
    const registry = this.registryAt(repository.slice(0, slash));
    const path = repository.slice(slash + 1);
    const config = await this.configIn(registry, path);
    const manifest = {
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: configuration.length },
      layers: [],
      annotations: { 'dev.slipway.release': order.release.id },
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = await registry.putManifest(path, digestOf(bytes), bytes, manifestType, { signal: production.signal });
    await production.keep({ imageId: config });
    return { outcome: 'built', digest };
  }

  async tidy(): Promise<void> {}

  private registryAt(host: string): Registry {
    const known = this.registries.get(host) ?? new OciRegistry({ host });
    this.registries.set(host, known);
    return known;
  }

  /** The same configuration for every image of a repository, stored once. */
  private configIn(registry: Registry, path: string): Promise<string> {
    const known = this.configured.get(path);
    if (known) return known;
    const storing = registry.putBlob(path, configuration);
    this.configured.set(path, storing);
    storing.catch(() => this.configured.delete(path));
    return storing;
  }
}

const configuration = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }));

await bootWith('image-builder', 'ImageBackend', () => new StandInBackend());
