import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { readTree } from './source-control.contract.js';
import { endOfTar, withoutEnd } from './tar-stream-end.js';

async function tarOf(name: string, content: string): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name }, content);
  tar.finalize();
  return Buffer.concat(await Readable.from(tar).toArray());
}

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('joining tars', () => {
  it.each([1, 7, 511, 512, 513, 100_000])('joins two of them, read in pieces of %d bytes', async (size) => {
    const one = await tarOf('a', 'x'.repeat(1000));
    const two = await tarOf(`${'d'.repeat(120)}/b`, '');
    async function* joined() {
      yield* withoutEnd(inPieces(one, size));
      yield* withoutEnd(inPieces(two, size));
      yield endOfTar;
    }
    const tree = await readTree(Readable.from(joined(), { objectMode: false }));
    expect([...tree.keys()]).toEqual(['a', `${'d'.repeat(120)}/b`]);
  });
});
