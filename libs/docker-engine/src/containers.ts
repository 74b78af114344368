import { fromInspect, fromSummary, type RawContainer, type RawSummary } from './container-info.js';
import { ContainerInsides } from './container-insides.js';
import { toEndpoint, toEngine } from './container-spec.js';
import { NotFound } from './errors.js';
import { labelFilter, segment } from './transport.js';
import type { CallOptions, ContainerInfo, ContainerSpec, ContainerSummary, LabelFilter } from './types.js';

/** How long a container gets beyond its own grace until a stop call counts as unanswered. */
const stopSlackMs = 15_000;

/** Containers of one engine. Names and ids are taken alike. */
export class Containers extends ContainerInsides {
  /**
   * Makes a container and joins it to every network of its spec; gives its id. Throws `Conflict` when the name is taken and
   * `NotFound` when the image is not on the host. A container that could not join all networks is removed again.
   */
  async create(spec: ContainerSpec, options: CallOptions = {}): Promise<string> {
    const what = `create container ${spec.name ?? spec.image}`;
    const made = await this.transport.json<{ Id: string }>({
      ...options,
      what,
      method: 'POST',
      path: '/containers/create',
      query: { name: spec.name },
      body: toEngine(spec),
    });
    try {
      for (const attachment of spec.networks?.slice(1) ?? []) {
        const body = { Container: made.Id, EndpointConfig: toEndpoint(attachment) };
        await this.transport.json({ ...options, what, method: 'POST', path: `/networks/${segment(attachment.network)}/connect`, body });
      }
    } catch (error) {
      await this.remove(made.Id, { force: true }).catch(() => undefined);
      throw error;
    }
    return made.Id;
  }

  /** Starts it; nothing happens when it runs. A port that is taken gives `Conflict`. */
  async start(id: string, options: CallOptions = {}): Promise<void> {
    await this.transport.json({
      ...options,
      what: `start container ${id}`,
      method: 'POST',
      path: `/containers/${segment(id)}/start`,
      also: [304],
    });
  }

  /** Asks it to end and kills it after `graceSeconds` (default: what the container says, else 10). Nothing happens when it does not run. */
  async stop(id: string, options: CallOptions & { graceSeconds?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? (options.graceSeconds ?? 30) * 1000 + stopSlackMs;
    const call = {
      ...options,
      timeoutMs,
      what: `stop container ${id}`,
      path: `/containers/${segment(id)}/stop`,
      query: { t: options.graceSeconds },
    };
    await this.transport.json({ ...call, method: 'POST', also: [304] });
  }

  /** Sends a signal (default SIGKILL). Throws `Conflict` when it does not run. */
  async kill(id: string, signalName = 'SIGKILL', options: CallOptions = {}): Promise<void> {
    await this.transport.json({
      ...options,
      what: `kill container ${id}`,
      method: 'POST',
      path: `/containers/${segment(id)}/kill`,
      query: { signal: signalName },
    });
  }

  /** Stops and starts it again. */
  async restart(id: string, options: CallOptions & { graceSeconds?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? (options.graceSeconds ?? 30) * 1000 + stopSlackMs;
    const call = {
      ...options,
      timeoutMs,
      what: `restart container ${id}`,
      path: `/containers/${segment(id)}/restart`,
      query: { t: options.graceSeconds },
    };
    await this.transport.json({ ...call, method: 'POST' });
  }

  /** Removes it with its anonymous volumes; `force` ends it first. Nothing happens when it is gone already or being removed. */
  async remove(id: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    const call = {
      ...options,
      what: `remove container ${id}`,
      path: `/containers/${segment(id)}`,
      query: { v: true, force: options.force ?? false },
    };
    try {
      await this.transport.json({ ...call, method: 'DELETE', also: [404] });
    } catch (error) {
      if (!(error instanceof Error && /removal of container .* is already in progress/i.test(error.message))) throw error;
    }
  }

  async rename(id: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.transport.json({
      ...options,
      what: `rename container ${id}`,
      method: 'POST',
      path: `/containers/${segment(id)}/rename`,
      query: { name },
    });
  }

  /** What is known of it, or `undefined` when there is none of that name. */
  async inspect(id: string, options: CallOptions = {}): Promise<ContainerInfo | undefined> {
    try {
      return fromInspect(
        await this.transport.json<RawContainer>({
          ...options,
          what: `inspect container ${id}`,
          method: 'GET',
          path: `/containers/${segment(id)}/json`,
        }),
      );
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** Containers that carry all these labels, running or not (`running: true`: only those that run). */
  async list(
    filter: { labels?: LabelFilter; running?: boolean; name?: string } = {},
    options: CallOptions = {},
  ): Promise<ContainerSummary[]> {
    const filters = { label: labelFilter(filter.labels), name: filter.name ? [filter.name] : undefined };
    const query = { all: !filter.running, filters };
    const rows = await this.transport.json<RawSummary[]>({
      ...options,
      what: 'list containers',
      method: 'GET',
      path: '/containers/json',
      query,
    });
    return rows.map(fromSummary);
  }

  /** Waits until it has ended and gives its exit code; the wait itself has no limit but `signal` (and `timeoutMs` where given). */
  async wait(id: string, options: CallOptions = {}): Promise<{ exitCode: number; error?: string }> {
    const call = { ...options, what: `wait for container ${id}`, method: 'POST' as const, path: `/containers/${segment(id)}/wait` };
    const said = await this.transport.json<{ StatusCode: number; Error?: { Message: string } | null }>({
      ...call,
      timeoutMs: options.timeoutMs ?? 2 ** 31 - 1,
    });
    return { exitCode: said.StatusCode, error: said.Error?.Message };
  }
}
