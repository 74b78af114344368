// npm test: installs what the tests need, compiles, runs them. Words after `--` go to vitest.
import { join } from 'node:path';
import { launch, root } from './setup/launch.mjs';
import { neededBy } from './setup/needs.mjs';

const bin = (name, file) => join(root, 'node_modules', name, file);

const words = process.argv.slice(2);

await launch(neededBy(words), [
  [bin('typescript', 'bin/tsc'), '-b', '--singleThreaded'],
  [bin('vitest', 'vitest.mjs'), 'run', ...words],
]);
