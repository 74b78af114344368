import { logChunkBytes } from '@slipway/contracts';

/** A piece of a log on its way into a chunk. */
export interface LogText {
  readonly release: string;
  /** Which log: `build/1`. One writer at a time; a new attempt is a new stream, for its chunks are numbered from 0. */
  readonly stream: string;
  readonly text: string;
  /** Nothing more will come in this stream. */
  readonly last?: boolean;
}

export interface Chunk {
  readonly release: string;
  readonly stream: string;
  readonly chunk: number;
  readonly text: string;
  readonly last: boolean;
}

interface Open {
  chunk: number;
  text: string;
  bytes: number;
}

/** Gathers what is said line by line into numbered chunks of at most 64 KiB. */
export class LogChunks {
  private readonly open = new Map<string, Open>();

  /** The chunks that are full now, or all where it was the last text. */
  add(said: LogText): Chunk[] {
    const key = JSON.stringify([said.release, said.stream]);
    const open = this.open.get(key) ?? { chunk: 0, text: '', bytes: 0 };
    this.open.set(key, open);
    const full: Chunk[] = [];
    for (const piece of pieces(said.text, logChunkBytes)) {
      if (open.bytes + piece.bytes > logChunkBytes) full.push(close(said.release, said.stream, open, false));
      open.text += piece.text;
      open.bytes += piece.bytes;
    }
    if (said.last) {
      full.push(close(said.release, said.stream, open, true));
      this.open.delete(key);
    }
    return full;
  }

  /** What has gathered since the last time, full or not. */
  take(): Chunk[] {
    return [...this.open]
      .filter(([, open]) => open.bytes > 0)
      .map(([key, open]) => {
        const [release, stream] = JSON.parse(key) as [string, string];
        return close(release, stream, open, false);
      });
  }
}

function close(release: string, stream: string, open: Open, last: boolean): Chunk {
  const chunk = { release, stream, chunk: open.chunk, text: open.text, last };
  open.chunk++;
  open.text = '';
  open.bytes = 0;
  return chunk;
}

/** Text in pieces of at most so many bytes of UTF-8, no character torn apart. */
function* pieces(text: string, most: number): Generator<{ text: string; bytes: number }> {
  const bytes = Buffer.from(text, 'utf8');
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(from + most, bytes.length);
    while (to < bytes.length && ((bytes[to] as number) & 0xc0) === 0x80) to--;
    yield { text: bytes.subarray(from, to).toString('utf8'), bytes: to - from };
    from = to;
  }
}
