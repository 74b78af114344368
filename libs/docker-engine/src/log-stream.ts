import type { Readable } from 'node:stream';
import type { LogPiece } from './types.js';

const headerLength = 8;

/**
 * Splits the engine's multiplexed stream into its pieces, without ever holding a whole frame: a frame of 4 GB passes
 * through in the chunks it arrives in. With `tty` the stream is not multiplexed and everything is standard output.
 */
export async function* demux(body: AsyncIterable<Buffer | string>, tty: boolean): AsyncGenerator<LogPiece> {
  let header = Buffer.alloc(0);
  let left = 0;
  let stream: LogPiece['stream'] = 'stdout';
  for await (const read of body) {
    let chunk = Buffer.isBuffer(read) ? read : Buffer.from(read);
    if (tty) {
      yield { stream: 'stdout', bytes: chunk };
      continue;
    }
    while (chunk.length > 0) {
      if (left === 0) {
        const missing = headerLength - header.length;
        header = Buffer.concat([header, chunk.subarray(0, missing)]);
        chunk = chunk.subarray(missing);
        if (header.length < headerLength) break;
        stream = header[0] === 2 ? 'stderr' : 'stdout';
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const bytes = chunk.subarray(0, left);
      left -= bytes.length;
      chunk = chunk.subarray(bytes.length);
      yield { stream, bytes };
    }
  }
}

/** Gathers pieces into text, keeping at most `maxBytes` of each stream and reading on to the end. */
export async function drain(
  pieces: AsyncIterable<LogPiece>,
  maxBytes: number,
): Promise<{ stdout: string; stderr: string; truncated: boolean }> {
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const sizes = { stdout: 0, stderr: 0 };
  let truncated = false;
  for await (const { stream, bytes } of pieces) {
    const room = maxBytes - sizes[stream];
    if (bytes.length > room) truncated = true;
    if (room <= 0) continue;
    kept[stream].push(Buffer.from(bytes.subarray(0, room)));
    sizes[stream] += Math.min(room, bytes.length);
  }
  return { stdout: Buffer.concat(kept.stdout).toString(), stderr: Buffer.concat(kept.stderr).toString(), truncated };
}

/**
 * Cuts text that arrives in chunks into lines of at most `maxLength` characters: a longer one is handed on in pieces, so that
 * output without a newline never gathers in memory. A carriage return ends a line too (progress bars).
 */
export class LineCutter {
  private rest = '';
  private afterReturn = false;

  constructor(
    private readonly onLine: (line: string) => void,
    private readonly maxLength = 8192,
  ) {}

  write(text: string): void {
    const all = this.rest + text;
    let from = 0;
    for (let at = this.rest.length; at < all.length; at++) {
      const code = all.charCodeAt(at);
      if (code === 10 || code === 13) {
        // "\r\n" is one end, not two.
        if (code === 13 || !this.afterReturn || at > from) this.onLine(all.slice(from, at));
        from = at + 1;
      } else if (at - from + 1 >= this.maxLength) {
        this.onLine(all.slice(from, at + 1));
        from = at + 1;
      }
      this.afterReturn = code === 13;
    }
    this.rest = all.slice(from);
  }

  /** Hands on what is left without a newline. */
  end(): void {
    if (this.rest !== '') this.onLine(this.rest);
    this.rest = '';
  }
}

/** Reads a stream of JSON documents, one a line, as the engine writes its progress; a line over `maxBytes` is an error, not memory. */
export async function* jsonLines<T>(body: Readable, maxBytes = 1024 * 1024): AsyncGenerator<T> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    rest += decoder.decode(chunk as Buffer, { stream: true });
    let end = rest.indexOf('\n');
    while (end >= 0) {
      const line = rest.slice(0, end).trim();
      rest = rest.slice(end + 1);
      if (line !== '') yield JSON.parse(line) as T;
      end = rest.indexOf('\n');
    }
    if (rest.length > maxBytes) throw new Error(`a message of the Docker Engine is longer than ${maxBytes} bytes`);
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}
