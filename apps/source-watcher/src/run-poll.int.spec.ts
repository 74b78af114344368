import { CommitDetected, CommitFolded, CommitIgnored, SourceFailed, SourceRecovered } from '@slipway/contracts';
import { aDigest, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './a-stage.contract.js';
import { aWatchedProject } from './a-watched-project.contract.js';

describe('watching a source', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.listen();
    await stage.start();
  });
  afterAll(() => stage.strike());

  it('takes the current head once, however long it is watched', async () => {
    const { repository, born } = await aWatchedProject(stage, 'once');
    expect(born.release).toMatchObject({ number: 1, kind: 'commit', ref: 'refs/heads/main', line: 'refs/heads/main', ancestorOf: [] });
    expect(born.range).toMatchObject({ from: null, total: 1 });
    expect(born).toMatchObject({
      projectVersion: 1,
      pusher: null,
      trigger: { kind: 'poll', person: null },
      image: null,
      repositoryFile: null,
    });
    expect(born.people).toEqual([{ name: 'Ann Author', email: 'ann@shop.example', account: null }]);
    expect(born.release.revision).toBe(await repository.git('rev-parse', 'HEAD'));
    await stage.polled('once');
    expect(stage.of(CommitDetected, 'once')).toHaveLength(1);
  });

  it('folds a burst of pushes into its head, and knows everybody who wrote in it', async () => {
    const { repository, first } = await aWatchedProject(stage, 'burst');
    const revisions = [];
    for (const n of [2, 3, 4])
      revisions.push(await repository.commit({ 'index.html': `${n}` }, `n ${n}\n\nCo-authored-by: Bo <bo${n}@shop.example>`));
    await repository.push();
    const second = await stage.nth(CommitDetected, 'burst', 2);
    expect(second.release).toMatchObject({ number: 2, revision: revisions[2] });
    expect(second.range).toMatchObject({ from: first, total: 3 });
    expect(second.range.commits.map(({ revision }) => revision)).toEqual([...revisions].reverse());
    expect(second.people.map(({ email }) => email)).toEqual(
      expect.arrayContaining(['ann@shop.example', 'bo2@shop.example', 'bo3@shop.example', 'bo4@shop.example']),
    );
    await stage.nth(CommitFolded, 'burst', 2);
    const folded = stage.of(CommitFolded, 'burst').map(({ revision, into }) => [revision, into.number] as const);
    expect(Object.fromEntries(folded)).toEqual({ [revisions[0] as string]: 2, [revisions[1] as string]: 2 });
    const outcomes = await stage.query<{ kind: string }>("select kind from {schema}.outcome where project = 'burst' order by kind");
    expect(outcomes.map(({ kind }) => kind)).toEqual(['folded', 'folded', 'release', 'release']);
  });

  it('ignores what touches none of its paths, and says so', async () => {
    const { repository } = await aWatchedProject(stage, 'paths', { paths: ['shop/**'] });
    const docs = await repository.commit({ 'docs/a.md': 'a' });
    await repository.push();
    const ignored = await stage.nth(CommitIgnored, 'paths', 1);
    expect(ignored).toMatchObject({ revision: docs, reason: { code: 'paths' } });
    const shop = await repository.commit({ 'shop/a.ts': 'a' });
    await repository.push();
    const born = await stage.nth(CommitDetected, 'paths', 2);
    expect(born.release).toMatchObject({ number: 2, revision: shop });
    expect(born.range.commits.map(({ revision }) => revision)).toEqual([shop, docs]);
  });

  it('says that a branch was taken back, rewritten or deleted, and takes what is new', async () => {
    const { repository, first } = await aWatchedProject(stage, 'rewound', { branches: ['main', 'side'] });
    const second = await repository.commit({ a: '2' });
    await repository.push();
    await stage.nth(CommitDetected, 'rewound', 2);
    await repository.git('reset', '-q', '--hard', first);
    await repository.push();
    expect(await stage.nth(CommitIgnored, 'rewound', 1)).toMatchObject({ revision: null, reason: { code: 'rewound' } });
    await repository.git('reset', '-q', '--hard', second);
    await repository.push();
    await stage.polled('rewound');
    expect(stage.of(CommitDetected, 'rewound')).toHaveLength(2);
    const rewritten = await repository.commit({ a: '2b' }, 'another second', '--amend');
    await repository.push('HEAD', 'HEAD:side');
    const third = await stage.nth(CommitDetected, 'rewound', 3);
    expect(third).toMatchObject({ release: { revision: rewritten, number: 3 }, range: { from: first, total: 1 } });
    expect(await stage.nth(CommitIgnored, 'rewound', 2)).toMatchObject({ revision: null, reason: { code: 'rewritten' } });
    expect((await stage.nth(CommitDetected, 'rewound', 4)).release).toMatchObject({ ref: 'refs/heads/side', line: 'refs/heads/side' });
    await repository.push(':side');
    expect(await stage.nth(CommitIgnored, 'rewound', 3)).toMatchObject({
      ref: 'refs/heads/side',
      revision: null,
      reason: { code: 'deleted' },
    });
  });

  it('tells what a branch grew from, what was merged, and what comes back that was dropped', async () => {
    const { repository, first } = await aWatchedProject(stage, 'merged', { branches: ['main', 'fix'] });
    const release = async (n: number, ...push: string[]) => {
      await repository.push(...push);
      const { range } = await stage.nth(CommitDetected, 'merged', n);
      return { from: range.from, merged: range.merged };
    };
    await repository.git('checkout', '-q', '-b', 'fix');
    await repository.commit({ fix: '1' });
    expect(await release(2)).toEqual({ from: first, merged: [1] });
    await repository.git('checkout', '-q', 'main');
    const third = await repository.commit({ a: '3' });
    expect(await release(3)).toEqual({ from: first, merged: [] });
    await repository.git('merge', '-q', '--no-ff', '-m', 'merge', 'fix');
    expect(await release(4)).toEqual({ from: third, merged: [2] });
    const dropped = await repository.git('rev-parse', 'HEAD');
    await repository.git('reset', '-q', '--hard', first);
    const rewritten = await repository.commit({ b: '5' });
    expect(await release(5)).toEqual({ from: first, merged: [] });
    await repository.git('merge', '-q', '-m', 'back again', dropped);
    expect(await release(6)).toEqual({ from: rewritten, merged: [4] });
  });

  it('counts one more person where a second line stood, with more below its head than is told', async () => {
    const repository = await stage.repository('stood');
    await repository.commit({ a: '1' });
    await repository.git('checkout', '-q', '-b', 'next');
    await repository.commit({ b: '1' });
    await repository.commit({ b: '2' });
    await repository.git('checkout', '-q', 'main');
    await repository.commit({ a: '2' });
    await repository.push('main', 'next');
    await stage.apply(stage.file('stood', { url: repository.url, branches: ['main', 'next'] }));
    await stage.nth(CommitDetected, 'stood', 2);
    const people = stage.of(CommitDetected, 'stood').map(({ people }) => people.map(({ name }) => name));
    expect(people).toEqual([['Ann Author'], ['Ann Author', 'more people than could be listed']]);
  });

  it('makes a tag on a built revision a release of the same image, after waiting for that image', async () => {
    const { repository, first, born } = await aWatchedProject(stage, 'tags', { tags: ['v*'] });
    await repository.commit({ a: '2' });
    await repository.push();
    const second = await stage.nth(CommitDetected, 'tags', 2);
    await repository.git('tag', '-a', 'v1', '-m', 'v1', first);
    await repository.push('v1');
    await stage.polled('tags');
    expect(stage.of(CommitDetected, 'tags')).toHaveLength(2);
    await stage.built(born);
    const tagged = await stage.nth(CommitDetected, 'tags', 3);
    expect(tagged.release).toMatchObject({
      number: 3,
      kind: 'tag',
      ref: 'refs/tags/v1',
      line: 'refs/heads/main',
      revision: first,
      ancestorOf: [2],
    });
    expect(tagged.range).toMatchObject({ from: first, total: 0 });
    expect(tagged.image).toEqual({ repository: 'localhost:5000/shop', digest: aDigest(first) });
    await stage.built(second);
    await repository.git('tag', '-f', 'v1', second.release.revision);
    await repository.push('v1');
    expect((await stage.nth(CommitDetected, 'tags', 4)).release).toMatchObject({ kind: 'tag', revision: second.release.revision });
    expect(await stage.nth(CommitIgnored, 'tags', 1)).toMatchObject({ revision: null, reason: { code: 'tag-moved' } });
  });

  it('lets the past lie: tags and branches that stood there make no releases', async () => {
    const repository = await stage.repository('past');
    await repository.commit({ a: '1' });
    await repository.git('tag', 'v0');
    await repository.push('HEAD', 'HEAD:release/1', 'v0');
    const file = stage.file('past', { url: repository.url, branches: ['main', 'release/*'] });
    await stage.apply(file);
    expect((await stage.nth(CommitDetected, 'past', 1)).release.ref).toBe('refs/heads/main');
    await stage.apply(stage.file('past', { url: repository.url, branches: ['main', 'release/*'], tags: ['v*'] }), 2);
    await eventually(
      () =>
        expect(stage.of(CommitIgnored, 'past').map(({ ref, reason }) => [ref, reason.code])).toEqual([
          ['refs/heads/release/1', 'before-registration'],
          ['refs/tags/v0', 'before-registration'],
        ]),
      { within: 20_000 },
    );
    await repository.commit({ a: '2' });
    await repository.push('HEAD:release/1');
    expect((await stage.nth(CommitDetected, 'past', 2)).release).toMatchObject({ ref: 'refs/heads/release/1', number: 2 });
  });

  it('pins slipway.yaml as it stood at the revision, and ignores a revision whose file is wrong', async () => {
    const { repository } = await aWatchedProject(stage, 'pinned');
    await repository.commit({ 'slipway.yaml': 'apiVersion: slipway.dev/v1\nkind: Repository\napp:\n  port: 3000\n' });
    await repository.push();
    expect((await stage.nth(CommitDetected, 'pinned', 2)).repositoryFile).toMatchObject({ app: { port: 3000 } });
    const wrong = await repository.commit({ 'slipway.yaml': 'apiVersion: slipway.dev/v1\nkind: Repository\napp:\n  prot: 3000\n' });
    await repository.push();
    const ignored = await stage.nth(CommitIgnored, 'pinned', 1);
    expect(ignored).toMatchObject({ revision: wrong, reason: { code: 'repository-file' } });
    expect(ignored.reason.message).toMatch(/slipway\.yaml, line 4, app\.prot/);
  });

  it('is not held up by a tag on a file, or by a slipway.yaml that is too large', async () => {
    const { repository } = await aWatchedProject(stage, 'odd', { tags: ['v*'] });
    await repository.git('tag', 'v0', 'HEAD:index.html');
    await repository.push('v0');
    expect(await stage.nth(CommitIgnored, 'odd', 1)).toMatchObject({ ref: 'refs/tags/v0', reason: { code: 'no-commit' } });
    const large = await repository.commit({ 'slipway.yaml': '#'.repeat(100_000) });
    await repository.push();
    expect(await stage.nth(CommitIgnored, 'odd', 2)).toMatchObject({ revision: large, reason: { code: 'repository-file' } });
    expect(stage.of(SourceFailed, 'odd')).toEqual([]);
  });

  it('says once for each reason that a source fails, and once that it answers again', async () => {
    const repository = await stage.repository('failing');
    await stage.apply(stage.file('failing', { url: repository.url }));
    expect(await stage.nth(SourceFailed, 'failing', 1)).toMatchObject({ reason: { code: 'empty' } });
    await stage.apply(stage.file('failing', { url: `${repository.url}-elsewhere` }), 2);
    expect(await stage.nth(SourceFailed, 'failing', 2)).toMatchObject({ reason: { code: 'gone' } });
    await repository.commit({ a: '1' });
    await repository.push();
    await stage.apply(stage.file('failing', { url: repository.url }), 3);
    await stage.nth(SourceRecovered, 'failing', 1);
    await stage.nth(CommitDetected, 'failing', 1);
    expect(stage.of(SourceFailed, 'failing')).toHaveLength(2);
    expect(stage.of(SourceRecovered, 'failing')).toHaveLength(1);
  });

  it.each([
    ['hostile', 'ssh://git@-oProxyCommand=touch%20slipway-canary/x', 'refused-url'],
    ['elsewhere', 'file:///etc', 'refused-url'],
  ])('refuses the source of %s', async (name, url, code) => {
    await stage.apply(stage.file(name, { url }));
    expect(await stage.nth(SourceFailed, name, 1)).toMatchObject({ reason: { code } });
    const failing = new RegExp(`^slipway_source_failing_seconds\\{project="${name}"\\} 0?\\.?[1-9]`, 'm');
    await eventually(async () => failing.test(await (await fetch(`${stage.replicas[0]?.url}/metrics`)).text()));
  });
});
