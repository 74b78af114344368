// npm test: installs what the tests need, compiles, runs them. Words after `--` go to vitest.
import { join } from 'node:path';
import { launch, root } from './setup/launch.mjs';
import { wanted } from './setup/needs.mjs';

const bin = (name, file) => join(root, 'node_modules', name, file);

await launch(wanted.test, [
  [bin('typescript', 'bin/tsc'), '-b', '--singleThreaded'],
  [bin('vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)],
]);
