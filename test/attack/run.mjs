// npm run attack: installs what is missing, compiles, attacks. `npm run attack -- --help` says more.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from '../../tools/setup/launch.mjs';
import { wanted } from '../../tools/setup/needs.mjs';

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(readFileSync(join(root, 'test/attack/help.txt'), 'utf8'));
  process.exit(0);
}

process.env.SLIPWAY_ATTACK_WORDS = words.join(' ');
const options = [];
while (words.length > 0) {
  const word = words.shift();
  if (word === '--write') process.env.SLIPWAY_ATTACK_WRITE = 'docs/reliability';
  else if (word === '--seed' && /^\d+$/.test(words[0] ?? '')) process.env.SLIPWAY_ATTACK_SEED = words.shift();
  else if (word === '--only' && /^[A-Z]\d*(,[A-Z]\d*)*$/.test(words[0] ?? ''))
    options.push('-t', `(^| )(${words.shift().split(',').map(startOf).join('|')}) `);
  else {
    process.stderr.write(`${word} is not understood here; npm run attack -- --help says what is.\n`);
    process.exit(2);
  }
}

await launch(wanted.attack, [
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'vitest.attack.config.ts', ...options],
]);

/** `W06` is that case alone, `W` the whole group. */
function startOf(id) {
  return /\d/.test(id) ? id : `${id}\\d+`;
}
