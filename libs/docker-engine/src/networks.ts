import { toEndpoint } from './container-spec.js';
import { Conflict, NotFound } from './errors.js';
import { labelFilter, segment, type Transport } from './transport.js';
import type { CallOptions, LabelFilter, Labels, NetworkAttachment, NetworkInfo } from './types.js';

interface RawNetwork {
  Id: string;
  Name: string;
  Created: string;
  Driver: string;
  Labels?: Record<string, string> | null;
  Internal?: boolean;
  IPAM?: { Config?: { Subnet?: string }[] | null };
  Containers?: Record<string, unknown> | null;
}

/** Networks of one engine. */
export class Networks {
  constructor(private readonly transport: Transport) {}

  /**
   * Sees to it that there is one network of that name. The engine looks for the name before it makes one, and two who ask at once get two networks, whose name
   * means neither from then on, and nothing can join: the older one stays, and the others go. Who is in between meets an `Unavailable`.
   */
  async ensure(network: Parameters<Networks['create']>[0], options: CallOptions = {}): Promise<void> {
    let found = await this.named(network.name, options);
    if (found.length === 0) {
      await this.create(network, options).catch((error: unknown) => {
        if (!(error instanceof Conflict)) throw error; // somebody was faster
      });
      found = await this.named(network.name, options);
    }
    for (const { id } of found.slice(1))
      await this.remove(id, options).catch((error: unknown) => {
        if (!(error instanceof Conflict)) throw error; // in use: the next one to look removes it
      });
  }

  /** Makes one and gives its id. Throws `Conflict` when the name is taken (Docker itself would allow two of one name), and `AddressesExhausted`. */
  async create(
    network: { name: string; driver?: string; labels?: Labels; internal?: boolean; subnet?: string; options?: Labels },
    options: CallOptions = {},
  ): Promise<string> {
    const body = {
      Name: network.name,
      CheckDuplicate: true,
      Driver: network.driver ?? 'bridge',
      Labels: network.labels ?? {},
      Internal: network.internal ?? false,
      Options: network.options,
      IPAM: network.subnet ? { Config: [{ Subnet: network.subnet }] } : undefined,
    };
    const made = await this.transport.json<{ Id: string }>({
      ...options,
      what: `create network ${network.name}`,
      method: 'POST',
      path: '/networks/create',
      body,
    });
    return made.Id;
  }

  /** What is known of it, or `undefined` when there is none of that name. */
  async inspect(id: string, options: CallOptions = {}): Promise<NetworkInfo | undefined> {
    try {
      return fromRaw(
        await this.transport.json<RawNetwork>({
          ...options,
          what: `inspect network ${id}`,
          method: 'GET',
          path: `/networks/${segment(id)}`,
        }),
      );
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** All of exactly this name, the oldest first; where two made one at once, their name alone means neither. */
  async named(name: string, options: CallOptions = {}): Promise<NetworkInfo[]> {
    return (await this.list({ name }, options))
      .filter((found) => found.name === name)
      .sort((one, other) => (one.created === other.created ? (one.id < other.id ? -1 : 1) : one.created < other.created ? -1 : 1));
  }

  /** Networks that carry all these labels. */
  async list(filter: { labels?: LabelFilter; name?: string } = {}, options: CallOptions = {}): Promise<NetworkInfo[]> {
    const filters = { label: labelFilter(filter.labels), name: filter.name ? [filter.name] : undefined };
    const rows = await this.transport.json<RawNetwork[]>({
      ...options,
      what: 'list networks',
      method: 'GET',
      path: '/networks',
      query: { filters },
    });
    return rows.map(fromRaw);
  }

  /** Joins a container to it; nothing happens when it is joined already. */
  async connect(container: string, attachment: NetworkAttachment, options: CallOptions = {}): Promise<void> {
    const body = { Container: container, EndpointConfig: toEndpoint(attachment) };
    try {
      await this.transport.json({
        ...options,
        what: `connect ${container} to ${attachment.network}`,
        method: 'POST',
        path: `/networks/${segment(attachment.network)}/connect`,
        body,
      });
    } catch (error) {
      if (!(error instanceof Error && /already exists in network/i.test(error.message))) throw error;
    }
  }

  /** Takes a container off it; nothing happens when it is not on it. */
  async disconnect(container: string, network: string, options: CallOptions = {}): Promise<void> {
    const body = { Container: container, Force: true };
    try {
      await this.transport.json({
        ...options,
        what: `disconnect ${container} from ${network}`,
        method: 'POST',
        path: `/networks/${segment(network)}/disconnect`,
        body,
        also: [404],
      });
    } catch (error) {
      if (!(error instanceof Error && /is not connected/i.test(error.message))) throw error;
    }
  }

  /** Removes it; nothing happens when it is gone. Throws `Conflict` while something is attached. */
  async remove(id: string, options: CallOptions = {}): Promise<void> {
    try {
      await this.transport.json({
        ...options,
        what: `remove network ${id}`,
        method: 'DELETE',
        path: `/networks/${segment(id)}`,
        also: [404],
      });
    } catch (error) {
      // The engine says 403 here; it is the same case as everywhere else.
      if (error instanceof Error && /has active endpoints/i.test(error.message)) throw new Conflict(error.message, 409, { cause: error });
      throw error;
    }
  }
}

function fromRaw(raw: RawNetwork): NetworkInfo {
  return {
    id: raw.Id,
    name: raw.Name,
    created: raw.Created,
    driver: raw.Driver,
    labels: raw.Labels ?? {},
    internal: raw.Internal ?? false,
    subnets: (raw.IPAM?.Config ?? []).flatMap((config) => (config.Subnet ? [config.Subnet] : [])),
    containers: Object.keys(raw.Containers ?? {}),
  };
}
