const block = 512;

/** The two empty blocks a tar ends with (POSIX ustar). */
export const endOfTar = Buffer.alloc(2 * block);

/** Passes a tar on without its end, so that another can follow. Entries above 8 GiB are not expected: the size limit is far below. */
export async function* withoutEnd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let body = 0;
  let ended = false;
  for await (const chunk of chunks) {
    if (ended) continue;
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length > 0 && !ended) {
      if (body > 0) {
        const part = rest.subarray(0, body);
        body -= part.length;
        rest = rest.subarray(part.length);
        yield part;
        continue;
      }
      if (rest.length < block) break;
      const header = rest.subarray(0, block);
      rest = rest.subarray(block);
      ended = header.every((byte) => byte === 0);
      if (ended) break;
      body = Math.ceil(Number.parseInt(header.toString('latin1', 124, 136).replace(/[^0-7].*$/s, '') || '0', 8) / block) * block;
      yield header;
    }
  }
}
