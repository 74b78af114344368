import type { Readable } from 'node:stream';
import { fromInspect, fromSummary, type RawContainer, type RawSummary } from './container-info.js';
import { toEndpoint, toEngine } from './container-spec.js';
import { readFiles, type CopiedFile } from './copy-out.js';
import { NotFound, Unavailable } from './errors.js';
import { demux, drain } from './log-stream.js';
import { labelFilter, segment, sort, type Transport, within } from './transport.js';
import type { CallOptions, ContainerInfo, ContainerSpec, ContainerSummary, ExecResult, LabelFilter, LogPiece } from './types.js';

/** How long a container gets beyond its own grace until a stop call counts as unanswered. */
const stopSlackMs = 15_000;

/** Containers of one engine. Names and ids are taken alike. */
export class Containers {
  constructor(private readonly transport: Transport) {}

  /**
   * Makes a container and joins it to every network of its spec; gives its id. Throws `Conflict` when the name is taken and
   * `NotFound` when the image is not on the host. A container that could not join all networks is removed again.
   */
  async create(spec: ContainerSpec, options: CallOptions = {}): Promise<string> {
    const what = `create container ${spec.name ?? spec.image}`;
    const made = await this.transport.json<{ Id: string }>({ ...options, what, method: 'POST', path: '/containers/create', query: { name: spec.name }, body: toEngine(spec) });
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
    await this.transport.json({ ...options, what: `start container ${id}`, method: 'POST', path: `/containers/${segment(id)}/start`, also: [304] });
  }

  /** Asks it to end and kills it after `graceSeconds` (default: what the container says, else 10). Nothing happens when it does not run. */
  async stop(id: string, options: CallOptions & { graceSeconds?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? (options.graceSeconds ?? 30) * 1000 + stopSlackMs;
    const call = { ...options, timeoutMs, what: `stop container ${id}`, path: `/containers/${segment(id)}/stop`, query: { t: options.graceSeconds } };
    await this.transport.json({ ...call, method: 'POST', also: [304] });
  }

  /** Sends a signal (default SIGKILL). Throws `Conflict` when it does not run. */
  async kill(id: string, signalName = 'SIGKILL', options: CallOptions = {}): Promise<void> {
    await this.transport.json({ ...options, what: `kill container ${id}`, method: 'POST', path: `/containers/${segment(id)}/kill`, query: { signal: signalName } });
  }

  /** Stops and starts it again. */
  async restart(id: string, options: CallOptions & { graceSeconds?: number } = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? (options.graceSeconds ?? 30) * 1000 + stopSlackMs;
    const call = { ...options, timeoutMs, what: `restart container ${id}`, path: `/containers/${segment(id)}/restart`, query: { t: options.graceSeconds } };
    await this.transport.json({ ...call, method: 'POST' });
  }

  /** Removes it with its anonymous volumes; `force` ends it first. Nothing happens when it is gone already or being removed. */
  async remove(id: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    const call = { ...options, what: `remove container ${id}`, path: `/containers/${segment(id)}`, query: { v: true, force: options.force ?? false } };
    try {
      await this.transport.json({ ...call, method: 'DELETE', also: [404] });
    } catch (error) {
      if (!(error instanceof Error && /removal of container .* is already in progress/i.test(error.message))) throw error;
    }
  }

  async rename(id: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.transport.json({ ...options, what: `rename container ${id}`, method: 'POST', path: `/containers/${segment(id)}/rename`, query: { name } });
  }

  /** What is known of it, or `undefined` when there is none of that name. */
  async inspect(id: string, options: CallOptions = {}): Promise<ContainerInfo | undefined> {
    try {
      return fromInspect(await this.transport.json<RawContainer>({ ...options, what: `inspect container ${id}`, method: 'GET', path: `/containers/${segment(id)}/json` }));
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** Containers that carry all these labels, running or not (`running: true`: only those that run). */
  async list(filter: { labels?: LabelFilter; running?: boolean; name?: string } = {}, options: CallOptions = {}): Promise<ContainerSummary[]> {
    const filters = { label: labelFilter(filter.labels), name: filter.name ? [filter.name] : undefined };
    const query = { all: !filter.running, filters };
    const rows = await this.transport.json<RawSummary[]>({ ...options, what: 'list containers', method: 'GET', path: '/containers/json', query });
    return rows.map(fromSummary);
  }

  /** Waits until it has ended and gives its exit code; the wait itself has no limit but `signal` (and `timeoutMs` where given). */
  async wait(id: string, options: CallOptions = {}): Promise<{ exitCode: number; error?: string }> {
    const call = { ...options, what: `wait for container ${id}`, method: 'POST' as const, path: `/containers/${segment(id)}/wait` };
    const said = await this.transport.json<{ StatusCode: number; Error?: { Message: string } | null }>({ ...call, timeoutMs: options.timeoutMs ?? 2 ** 31 - 1 });
    return { exitCode: said.StatusCode, error: said.Error?.Message };
  }

  /**
   * What it wrote, in pieces as they come, both streams kept apart. `follow` goes on until it ends or `signal` says so;
   * `tail` gives only the last lines; `since` is seconds since 1970.
   */
  async *logs(id: string, options: CallOptions & { follow?: boolean; tail?: number; since?: number; timestamps?: boolean } = {}): AsyncGenerator<LogPiece> {
    const query = { stdout: true, stderr: true, follow: options.follow ?? false, tail: options.tail ?? 'all', since: options.since, timestamps: options.timestamps };
    const call = { ...options, what: `read logs of container ${id}`, method: 'GET' as const, path: `/containers/${segment(id)}/logs`, query };
    const tty = (await this.transport.json<{ Config?: { Tty?: boolean } }>({ ...options, what: call.what, method: 'GET', path: `/containers/${segment(id)}/json` })).Config?.Tty;
    const body = await this.transport.stream(call);
    try {
      yield* demux(body, tty ?? false);
    } catch (error) {
      throw sort(call, error);
    } finally {
      body.destroy();
    }
  }

  /**
   * Runs a command inside it and waits for its end. At most `maxOutputBytes` of each stream are kept (default 256 KiB), the rest is read
   * and dropped. `timeoutMs` covers all of it; a command that is cut off goes on inside. Throws `Unavailable` when the engine can't say how it ended.
   */
  async exec(id: string, command: readonly string[], options: CallOptions & { env?: Readonly<Record<string, string>>; user?: string; maxOutputBytes?: number } = {}): Promise<ExecResult> {
    const what = `run a command in container ${id}`;
    const env = options.env && Object.entries(options.env).map(([name, value]) => `${name}=${value}`);
    const asked = { AttachStdout: true, AttachStderr: true, Cmd: command, Env: env, User: options.user };
    return await within(what, options.timeoutMs ?? this.transport.timeoutMs, options.signal, async (signal) => {
      const made = await this.transport.json<{ Id: string }>({ what, signal, method: 'POST', path: `/containers/${segment(id)}/exec`, body: asked });
      const body = await this.transport.stream({ what, signal, method: 'POST', path: `/exec/${made.Id}/start`, body: { Detach: false, Tty: false } });
      const output = await drain(demux(body, false), options.maxOutputBytes ?? 256 * 1024);
      const ended = await this.transport.json<{ ExitCode: number | null; Running: boolean }>({ what, signal, method: 'GET', path: `/exec/${made.Id}/json` });
      if (ended.ExitCode === null || ended.Running) throw new Unavailable(`${what}: the connection ended before the command did`);
      return { exitCode: ended.ExitCode, ...output };
    });
  }

  /** A file or folder out of a container as a tar stream, as it comes. Throws `NotFound` when the path is not there. */
  async archive(id: string, path: string, options: CallOptions = {}): Promise<Readable> {
    return await this.transport.stream({ ...options, what: `copy ${path} out of container ${id}`, method: 'GET', path: `/containers/${segment(id)}/archive`, query: { path } });
  }

  /** The regular files under a path of a container, at most `maxBytes` together; links are skipped. Throws `LimitExceeded`. */
  async copyOut(id: string, path: string, options: CallOptions & { maxBytes: number }): Promise<CopiedFile[]> {
    const body = await this.archive(id, path, options);
    try {
      return await readFiles(body, options.maxBytes);
    } catch (error) {
      throw sort({ what: `copy ${path} out of container ${id}`, signal: options.signal }, error);
    } finally {
      body.destroy();
    }
  }

  /** Unpacks a tar stream into a folder of the container (it need not run). */
  async copyIn(id: string, path: string, tar: Readable, options: CallOptions = {}): Promise<void> {
    await this.transport.json({ ...options, what: `copy into container ${id}`, method: 'PUT', path: `/containers/${segment(id)}/archive`, query: { path }, upload: tar });
  }
}
