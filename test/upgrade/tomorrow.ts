import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiledCopy } from '../faults/compiled-copy.js';

/** What of a compiled contract is another one tomorrow. */
export interface Change {
  /** `image-builder/image-built`: below libs/contracts. */
  readonly file: string;
  /** What stands there today, once, and what stands there tomorrow. */
  readonly from: string;
  readonly to: string;
}

/**
 * Compiled services of a version that is yet to come: those of this checkout, with a contract changed. The folder is the caller's to remove.
 * @throws Error where what is to be changed does not stand there, exactly once.
 */
export async function compiledTomorrow(changes: readonly Change[]): Promise<string> {
  const folder = await compiledCopy(await mkdtemp(join(tmpdir(), 'slipway-tomorrow-')));
  for (const { file, from, to } of changes) {
    const path = join(folder, 'libs/contracts/dist', `${file}.js`);
    const parts = (await readFile(path, 'utf8')).split(from);
    if (parts.length !== 2) throw new Error(`${path} has ${parts.length - 1} times "${from}"`);
    await writeFile(path, parts.join(to));
  }
  return folder;
}
