import { renameSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/**
 * Preloaded into a service (`node --import`): asked by SIGUSR2 it collects what there is to collect and writes what it holds after that, in bytes, into the
 * file `<pid>.json` of the folder GROWTH_MEMORY names. Twice, because what finalizers let go of in the first round goes in the second.
 */
process.on('SIGUSR2', async () => {
  for (let round = 0; round < 2; round++) {
    await globalThis.gc({ type: 'major', execution: 'async', flavor: 'last-resort' });
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  const file = `${process.env['GROWTH_MEMORY']}/${process.pid}.json`;
  writeFileSync(`${file}.new`, JSON.stringify({ heapUsed, external }));
  renameSync(`${file}.new`, file);
});
