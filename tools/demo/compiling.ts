import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { EndRequest } from '../parts/cleanup.ts';

const root = join(import.meta.dirname, '../..');
const longestMs = 300_000;

/**
 * Compiles what changed since the last time; gives the seconds it took. It works beside the starting of the parts, so until it is done nothing may be loaded
 * that imports one of our packages. Types are left to `npm test` and `npm run typecheck`: what comes out is the same, byte for byte, after a third of the
 * work. Throws with what the compiler said, and Interrupted where the person asks to end.
 */
export function compile(end: EndRequest): Promise<number> {
  const begun = performance.now();
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded', '--noCheck'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, signal: end.abort, timeout: longestMs }, (error, stdout, stderr) => {
      if (!error) resolve((performance.now() - begun) / 1000);
      else if (end.signal !== undefined) reject(end.abort.reason);
      else reject(new Error(`The services do not compile: ${`${stdout}${stderr}`.trim() || error.message}`));
    });
  });
}
