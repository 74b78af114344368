import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { LimitExceeded } from './errors.js';

/** A regular file taken out of a container; `path` as the tar names it. */
export interface CopiedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** Reads the regular files of a tar, at most `maxBytes` and 1,000 of them; what else is in it is skipped. Throws `LimitExceeded`. */
export async function readFiles(tar: Readable, maxBytes: number): Promise<CopiedFile[]> {
  const files: CopiedFile[] = [];
  let total = 0;
  const unpack = extract();
  tar.on('error', (error) => unpack.destroy(error));
  for await (const entry of tar.pipe(unpack)) {
    const { name, type, size } = entry.header;
    if (type !== 'file' && type !== 'contiguous-file') {
      entry.resume();
      continue;
    }
    total += size ?? 0;
    if (total > maxBytes || files.length >= 1000) {
      unpack.destroy();
      throw new LimitExceeded('copied files', `more than ${maxBytes} bytes or 1000 files`);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files.push({ path: name, bytes: Buffer.concat(chunks) });
  }
  return files;
}
