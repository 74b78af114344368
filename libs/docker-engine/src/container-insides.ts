import type { Readable } from 'node:stream';
import { type CopiedFile, readFiles } from './copy-out.js';
import { Unavailable } from './errors.js';
import { demux, drain } from './log-stream.js';
import { segment, sort, type Transport, within } from './transport.js';
import type { CallOptions, ExecResult, LogPiece } from './types.js';

/** What goes in and out of a container: logs, commands, files. */
export class ContainerInsides {
  constructor(protected readonly transport: Transport) {}

  /**
   * What it wrote, in pieces as they come, both streams kept apart. `follow` goes on until it ends or `signal` says so;
   * `tail` gives only the last lines; `since` is seconds since 1970.
   */
  async *logs(
    id: string,
    options: CallOptions & { follow?: boolean; tail?: number; since?: number; timestamps?: boolean } = {},
  ): AsyncGenerator<LogPiece> {
    const query = {
      stdout: true,
      stderr: true,
      follow: options.follow ?? false,
      tail: options.tail ?? 'all',
      since: options.since,
      timestamps: options.timestamps,
    };
    const call = {
      ...options,
      what: `read logs of container ${id}`,
      method: 'GET' as const,
      path: `/containers/${segment(id)}/logs`,
      query,
    };
    const tty = (
      await this.transport.json<{ Config?: { Tty?: boolean } }>({
        ...options,
        what: call.what,
        method: 'GET',
        path: `/containers/${segment(id)}/json`,
      })
    ).Config?.Tty;
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
  async exec(
    id: string,
    command: readonly string[],
    options: CallOptions & { env?: Readonly<Record<string, string>>; user?: string; maxOutputBytes?: number } = {},
  ): Promise<ExecResult> {
    const what = `run a command in container ${id}`;
    const env = options.env && Object.entries(options.env).map(([name, value]) => `${name}=${value}`);
    const asked = { AttachStdout: true, AttachStderr: true, Cmd: command, Env: env, User: options.user };
    return await within(what, options.timeoutMs ?? this.transport.timeoutMs, options.signal, async (signal) => {
      const made = await this.transport.json<{ Id: string }>({
        what,
        signal,
        method: 'POST',
        path: `/containers/${segment(id)}/exec`,
        body: asked,
      });
      const body = await this.transport.stream({
        what,
        signal,
        method: 'POST',
        path: `/exec/${made.Id}/start`,
        body: { Detach: false, Tty: false },
      });
      const output = await drain(demux(body, false), options.maxOutputBytes ?? 256 * 1024);
      const ended = await this.transport.json<{ ExitCode: number | null; Running: boolean }>({
        what,
        signal,
        method: 'GET',
        path: `/exec/${made.Id}/json`,
      });
      if (ended.ExitCode === null || ended.Running) throw new Unavailable(`${what}: the connection ended before the command did`);
      return { exitCode: ended.ExitCode, ...output };
    });
  }

  /** A file or folder out of a container as a tar stream, as it comes. Throws `NotFound` when the path is not there. */
  async archive(id: string, path: string, options: CallOptions = {}): Promise<Readable> {
    return await this.transport.stream({
      ...options,
      what: `copy ${path} out of container ${id}`,
      method: 'GET',
      path: `/containers/${segment(id)}/archive`,
      query: { path },
    });
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
    await this.transport.json({
      ...options,
      what: `copy into container ${id}`,
      method: 'PUT',
      path: `/containers/${segment(id)}/archive`,
      query: { path },
      upload: tar,
    });
  }
}
