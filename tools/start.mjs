// npm start: runs the suite on this machine. `npm start -- --help` says more.
import { join } from 'node:path';
import { launch, root } from './setup/launch.mjs';
import { wanted } from './setup/needs.mjs';

await launch(wanted.start, [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [join(root, 'tools/start.ts'), ...process.argv.slice(2)],
]);
