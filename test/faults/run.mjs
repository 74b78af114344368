// npm run faults: installs what is missing, compiles, hurts the suite. `npm run faults -- --help` says more.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(readFileSync(join(root, 'test/faults/help.txt'), 'utf8'));
  process.exit(0);
}

const source = `--import=${join(root, 'tools/docs/source-loader.mjs')}`;
await launch(wanted.faults ?? wanted.test, [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [source, join(root, 'test/faults/main.ts'), ...words],
]);
