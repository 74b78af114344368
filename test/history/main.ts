import { readHistory } from './history-file.ts';
import { judge, verdictText } from './judge.ts';
import { story } from './story.ts';

const help = `node test/history/main.ts judge FILE            hold a history against the eleven promises
node test/history/main.ts story FILE RELEASE    all that is known of one release, by its id or as project/number
`;

process.exitCode = await main(process.argv.slice(2));

async function main([what, file, release]: string[]): Promise<number> {
  if (what === 'judge' && file !== undefined) {
    const verdict = judge(await readHistory(file));
    process.stdout.write(`${verdictText(verdict)}\n`);
    return verdict.allHeld ? 0 : 1;
  }
  if (what === 'story' && file !== undefined && release !== undefined) {
    process.stdout.write(`${story(await readHistory(file), release)}\n`);
    return 0;
  }
  process.stderr.write(help);
  return 2;
}
