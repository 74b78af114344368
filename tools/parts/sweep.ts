import { existsSync } from 'node:fs';
import { sweep } from './data-dir.ts';
import { pause } from './until.ts';

/** `node sweep.ts <folder>`: waits until the owner of a temporary data folder is gone and tidies up after it. */
const [dir = ''] = process.argv.slice(2);
for (let waited = 0; existsSync(dir) && waited < 10_000; waited += 250) {
  await sweep();
  await pause(250);
}
