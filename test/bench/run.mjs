// npm run bench: installs what is missing, compiles, measures. `npm run bench -- --help` says more.
import { join } from 'node:path';
import { launch, root, wordsUnlessHelp } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

const words = wordsUnlessHelp('test/bench/help.txt');

await launch(wanted.start, [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [join(root, 'test/bench/main.ts'), ...words],
]);
