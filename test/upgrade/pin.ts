import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { root } from '../../tools/suite/services.ts';
import { contracted } from './contractions.ts';
import { pinFile } from './yesterday.ts';

// node test/upgrade/pin.ts [commit]: upgrades are tested from this commit on, from what is checked out where none is given. To be run when an issue has
// landed: what people run by then is what they will upgrade from.
const wish = process.argv[2] ?? 'HEAD';
const git = (...args: string[]): string => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();
const commit = git('rev-parse', '--verify', '--end-of-options', `${wish}^{commit}`);
writeFileSync(pinFile, `${JSON.stringify({ commit }, null, 2)}\n`);
process.stdout.write(`upgrades are tested from ${commit}\n`);
for (const { where, what, neededUntil } of contracted)
  if (git('merge-base', neededUntil, commit) === neededUntil)
    process.stdout.write(`nobody needs it any more, finish it: ${where}: ${what}\n`);
