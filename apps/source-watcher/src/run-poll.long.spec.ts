import { CommitDetected } from '@slipway/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './a-stage.contract.js';
import { aWatchedProject } from './a-watched-project.contract.js';

describe('watching a source with a hundred branches', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.listen();
    await stage.start();
  });
  afterAll(() => stage.strike());

  it('compares with what was released long ago, and tells that it contains what is tagged late on a folded commit', async () => {
    const { repository, first } = await aWatchedProject(stage, 'long-ago', { branches: ['main', 'b/*'], tags: ['v*'] });
    const folded = await repository.commit({ a: '1' });
    const second = await repository.commit({ a: '2' });
    await repository.push();
    await stage.nth(CommitDetected, 'long-ago', 2);
    const other = async (n: number) =>
      `${await repository.git('commit-tree', '-p', first, '-m', `${n}`, `${first}^{tree}`)}:refs/heads/b/${n}`;
    for (let born = 1; born <= 100; born += 25) {
      await repository.push(...(await Promise.all(Array.from({ length: 25 }, (_, n) => other(born + n)))));
      await stage.nth(CommitDetected, 'long-ago', born + 26);
    }
    await repository.git('tag', 'v0', folded);
    await repository.push('v0');
    const tagged = { release: { ref: 'refs/tags/v0', line: 'refs/heads/main', ancestorOf: [2] }, range: { from: first, total: 1 } };
    expect(await stage.nth(CommitDetected, 'long-ago', 103)).toMatchObject(tagged);
    await repository.commit({ a: '104' });
    await repository.push();
    expect((await stage.nth(CommitDetected, 'long-ago', 104)).range).toMatchObject({ from: second, total: 1, merged: [] });
  }, 120_000);
});
