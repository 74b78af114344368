import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Chunk, LogChunks, type LogText } from './log-chunks.js';
import { backOff, pause } from './trouble.js';

export interface LogSpoolOptions {
  readonly dir: string;
  /** What may wait at most, in bytes; text beyond it is dropped and the log says so. */
  readonly maxBytes: number;
  /** Resolves when the log has the chunk for good. */
  readonly send: (chunk: Chunk) => Promise<void>;
  readonly logger: Logger;
}

/** Lines are gathered this long before they go, in ms. */
const gatherMs = 200;
/** A chunk on its way: in its file, or in memory where it could not be written. */
interface Waiting {
  readonly file: string;
  readonly bytes: number;
  readonly unwritten?: string;
}

/** A folder nobody touched for so long, in ms, belongs to a process that died. */
const orphanMs = 60_000;
const touchMs = 15_000;

/**
 * Log chunks on their way: on disk until Kafka has them, so that neither a broker that is away nor a crash loses a build's last words.
 * Each process has a folder of its own below `dir` and takes over those of processes that died.
 */
export class LogSpool {
  private readonly chunks = new LogChunks();
  private readonly mine: string;
  private readonly waiting: Waiting[] = [];
  private bytes = 0;
  private dropped = 0;
  private number = 0;
  private gathering: NodeJS.Timeout | undefined;
  private touching: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private sending: Promise<void> | undefined;
  private readonly stopped = new AbortController();

  constructor(private readonly options: LogSpoolOptions) {
    this.mine = join(options.dir, `writer-${randomUUID()}`);
  }

  /** Makes the folder and takes over what dead processes left. */
  async start(): Promise<void> {
    await mkdir(this.mine, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.options.dir)) {
      const folder = join(this.options.dir, name);
      if (!name.startsWith('writer-') || folder === this.mine) continue;
      const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > orphanMs) await this.adopt(folder);
    }
    this.touching = setInterval(() => void this.touch(), touchMs).unref();
    this.send();
  }

  /** Takes text; never waits. It is on disk within a fraction of a second. */
  append(said: LogText): void {
    const text =
      this.dropped > 0 && this.bytes < this.options.maxBytes / 2
        ? `\n[slipway: ${this.dropped} bytes of log were dropped here]\n${said.text}`
        : said.text;
    if (text !== said.text) this.dropped = 0;
    if (this.bytes >= this.options.maxBytes) {
      this.dropped += Buffer.byteLength(said.text);
      if (!said.last) return;
      this.write(this.chunks.add({ ...said, text: '' }));
      return;
    }
    this.write(this.chunks.add({ ...said, text }));
    this.gathering ??= setTimeout(() => this.gathered(), gatherMs);
    this.gathering.unref();
  }

  /** Waits until all that was appended is in Kafka. */
  async flush(signal?: AbortSignal): Promise<void> {
    this.gathered();
    await this.writing;
    while (this.waiting.length > 0 && !signal?.aborted && !this.stopped.signal.aborted) {
      this.send();
      await Promise.race([this.sending, pause(1_000, signal)]);
    }
  }

  /** Leaves on disk what could not be sent within the grace. */
  async stop(graceMs: number): Promise<void> {
    await this.flush(AbortSignal.timeout(Math.ceil(Math.max(1, graceMs))));
    this.stopped.abort();
    clearInterval(this.touching);
    await this.sending;
    if (this.waiting.length === 0) await rm(this.mine, { recursive: true, force: true });
  }

  private gathered(): void {
    clearTimeout(this.gathering);
    this.gathering = undefined;
    this.write(this.chunks.take());
  }

  private write(chunks: Chunk[]): void {
    for (const chunk of chunks) {
      const json = JSON.stringify(chunk);
      const bytes = Buffer.byteLength(json);
      const file = join(this.mine, `${String(this.number++).padStart(12, '0')}.json`);
      this.bytes += bytes;
      this.writing = this.writing
        .then(() => this.toDisk(file, json))
        .then(
          () => void this.waiting.push({ file, bytes }),
          (error: unknown) => {
            this.options.logger.warn(
              { err: error, stream: chunk.stream, chunk: chunk.chunk },
              'a log chunk waits in memory: it could not be spooled',
            );
            this.waiting.push({ file, bytes, unwritten: json });
          },
        )
        .then(() => this.send());
    }
  }

  /** The folder is made again where another process took it over: we stood still for so long that it took us for dead. */
  private async toDisk(file: string, json: string): Promise<void> {
    try {
      await writeFile(file, json, { mode: 0o600 });
    } catch (error) {
      await rm(file, { force: true }).catch(() => undefined);
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await mkdir(this.mine, { recursive: true, mode: 0o700 });
      await writeFile(file, json, { mode: 0o600 });
    }
  }

  private send(): void {
    if (this.stopped.signal.aborted) return;
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
  }

  private async sendAll(): Promise<void> {
    for (let failures = 0; this.waiting.length > 0 && !this.stopped.signal.aborted; ) {
      const { file, bytes, unwritten } = this.waiting[0] as Waiting;
      try {
        await this.options.send(JSON.parse(unwritten ?? (await readFile(file, 'utf8'))) as Chunk);
        failures = 0;
      } catch (error) {
        if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') {
          if (++failures === 3) this.options.logger.warn({ err: error }, 'log chunks wait on disk: Kafka is away');
          await pause(backOff(failures, 200, 5_000), this.stopped.signal);
          continue;
        }
        if (error instanceof SyntaxError)
          this.options.logger.error({ err: error, file }, 'a spooled log chunk was torn by a crash and is lost');
        else this.options.logger.warn({ file }, 'another process took a spooled log chunk over, and sends it');
      }
      this.waiting.shift();
      this.bytes -= bytes;
      if (unwritten === undefined) await rm(file, { force: true });
    }
  }

  /** Renaming is the claim: of two processes that try, one finds nothing. */
  private async adopt(folder: string): Promise<void> {
    const taken = join(this.mine, 'adopted');
    try {
      await rename(folder, taken);
    } catch {
      return;
    }
    for (const name of (await readdir(taken)).filter((each) => each.endsWith('.json')).sort()) {
      const file = join(this.mine, `${String(this.number++).padStart(12, '0')}.json`);
      await rename(join(taken, name), file);
      const { size } = await stat(file);
      this.waiting.push({ file, bytes: size });
      this.bytes += size;
    }
    await rm(taken, { recursive: true, force: true });
  }

  private async touch(): Promise<void> {
    const now = new Date();
    await utimes(this.mine, now, now).catch(() => undefined);
  }
}
