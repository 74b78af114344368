// npm run growth: installs what is missing, compiles, measures. `npm run growth -- --help` says more.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(readFileSync(join(root, 'test/growth/help.txt'), 'utf8'));
  process.exit(0);
}

await launch(wanted.start, [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [join(root, 'test/growth/main.ts'), ...words],
]);
