import { readFile, writeFile } from 'node:fs/promises';

/** A network that was being removed: it still has what was wished for its addresses, and no addresses any more, which would come next by the alphabet. */
const halfRemoved = /("inDelete":true,(?:(?!"ipamV4Config")[^\0}])*)("ipamV4Config":"(?:[^"\\]|\\.)*")(?!,"ipamV4Info")/g;

/**
 * Lets an Engine start again that was killed while it removed a network. One up to 20.10 ends at every start from then on (`index out of range`, libnetwork's reservePools), until
 * somebody mends its store of networks by hand, which is what is done here: without wishes the entry does no harm, and the Engine removes it. Nothing moves in the file.
 */
export async function mendHalfRemovedNetworks(store: string): Promise<void> {
  const before = await readFile(store, 'latin1').catch(() => '');
  const after = mended(before);
  if (after !== before) await writeFile(store, after, 'latin1');
}

/** As long as before. */
export function mended(store: string): string {
  return store.replaceAll(halfRemoved, (_, before: string, wishes: string) => before + '"ipamV4Config":"[]"'.padEnd(wishes.length));
}
