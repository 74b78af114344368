// npm run demo: shows the way of a commit to production. `npm run demo -- --help` says more.
import { join } from 'node:path';
import { launch, root } from './setup/launch.mjs';
import { wanted } from './setup/needs.mjs';

const words = process.argv.slice(2);

await launch(wanted.demo(words.includes('--svn')), [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [join(root, 'tools/demo/main.ts'), ...words],
]);
