// npm run faults: installs what is missing, compiles, hurts the suite. `npm run faults -- --help` says more.
import { join } from 'node:path';
import { launch, root, wordsUnlessHelp } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

const words = wordsUnlessHelp('test/faults/help.txt');

const source = `--import=${join(root, 'tools/docs/source-loader.mjs')}`;
await launch(wanted.faults ?? wanted.test, [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [source, join(root, 'test/faults/main.ts'), ...words],
]);
