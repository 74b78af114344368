// npm start: runs the suite on this machine. `npm start -- --help` says more.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from './setup/launch.mjs';
import { wanted } from './setup/needs.mjs';

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(readFileSync(join(root, 'tools/suite/help.txt'), 'utf8'));
  process.exit(0);
}

await launch(wanted.start, [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [join(root, 'tools/start.ts'), ...words],
]);
