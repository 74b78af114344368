// npm run demo: shows the way of a commit to production. `npm run demo -- --help` says more.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from './setup/launch.mjs';
import { whyNotOn } from './setup/machine.mjs';
import { wanted } from './setup/needs.mjs';

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(readFileSync(join(root, 'tools/demo/help.txt'), 'utf8'));
  process.exit(0);
}

// Said before anything is asked: on another system the answer would help nobody.
const whyNot = whyNotOn();
if (whyNot) {
  process.stderr.write(`${whyNot}\n`);
  process.exit(1);
}

// Before anything is installed for it; the other words are main.ts's to read.
if (!words.includes('--yes') && !process.stdin.isTTY) {
  process.stderr.write('There is no terminal to ask for the sign-offs at. With --yes two demo people give them: npm run demo -- --yes\n');
  process.exit(2);
}

await launch(wanted.demo(words.includes('--svn')), [[join(root, 'tools/demo/main.ts'), ...words]]);
