import { NotFound } from './errors.js';
import { labelFilter, segment, type Transport } from './transport.js';
import type { CallOptions, LabelFilter, Labels, VolumeInfo } from './types.js';

interface RawVolume {
  Name: string;
  Driver: string;
  Labels?: Record<string, string> | null;
  CreatedAt?: string;
}

/** Volumes of one engine. */
export class Volumes {
  constructor(private readonly transport: Transport) {}

  /** Makes one; the same name twice is the same volume. */
  async create(volume: { name: string; labels?: Labels; driver?: string }, options: CallOptions = {}): Promise<VolumeInfo> {
    const body = { Name: volume.name, Labels: volume.labels ?? {}, Driver: volume.driver ?? 'local' };
    return fromRaw(
      await this.transport.json<RawVolume>({
        ...options,
        what: `create volume ${volume.name}`,
        method: 'POST',
        path: '/volumes/create',
        body,
      }),
    );
  }

  /** What is known of it, or `undefined` when there is none of that name. */
  async inspect(name: string, options: CallOptions = {}): Promise<VolumeInfo | undefined> {
    try {
      return fromRaw(
        await this.transport.json<RawVolume>({
          ...options,
          what: `inspect volume ${name}`,
          method: 'GET',
          path: `/volumes/${segment(name)}`,
        }),
      );
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** Volumes that carry all these labels. */
  async list(filter: { labels?: LabelFilter } = {}, options: CallOptions = {}): Promise<VolumeInfo[]> {
    const query = { filters: { label: labelFilter(filter.labels) } };
    const said = await this.transport.json<{ Volumes: RawVolume[] | null }>({
      ...options,
      what: 'list volumes',
      method: 'GET',
      path: '/volumes',
      query,
    });
    return (said.Volumes ?? []).map(fromRaw);
  }

  /** Removes it; nothing happens when it is gone. Throws `Conflict` while a container uses it. */
  async remove(name: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    const query = { force: options.force ?? false };
    await this.transport.json({
      ...options,
      what: `remove volume ${name}`,
      method: 'DELETE',
      path: `/volumes/${segment(name)}`,
      query,
      also: [404],
    });
  }
}

function fromRaw(raw: RawVolume): VolumeInfo {
  return { name: raw.Name, driver: raw.Driver, labels: raw.Labels ?? {}, createdAt: raw.CreatedAt };
}
