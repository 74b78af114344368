import { describe, expect, it } from 'vitest';
import { decideMovement, type Facts } from './decide-movement.js';

const watched = { branches: ['main', 'release/*'], tags: ['v*'], paths: [] as string[] };
const facts = (changes: Partial<Facts> = {}): Facts => ({
  movement: { ref: 'refs/heads/main', from: 'aaa', to: 'ccc' },
  stood: false,
  taken: false,
  revisions: ['ccc', 'bbb'],
  direction: 'forward',
  changedPaths: null,
  badFile: null,
  awaitsImage: false,
  ...changes,
});
const tag = { ref: 'refs/tags/v1', from: null, to: 'ccc' };

describe('deciding about a movement', () => {
  it('releases the head of a push and folds what came with it', () => {
    expect(decideMovement(watched, facts())).toEqual({ kind: 'release', release: 'commit', folded: ['bbb'], notice: null });
  });

  it('releases a new branch', () => {
    expect(
      decideMovement(watched, facts({ movement: { ref: 'refs/heads/release/1', from: null, to: 'ccc' }, direction: 'new' })),
    ).toMatchObject({ kind: 'release', release: 'commit' });
  });

  it('releases a tag alone, and lets it wait for the image of its revision', () => {
    expect(decideMovement(watched, facts({ movement: tag, direction: 'new' }))).toEqual({
      kind: 'release',
      release: 'tag',
      folded: [],
      notice: null,
    });
    expect(decideMovement(watched, facts({ movement: tag, direction: 'new', awaitsImage: true }))).toEqual({ kind: 'wait' });
    expect(decideMovement(watched, facts({ awaitsImage: true }))).toMatchObject({ kind: 'release' });
  });

  it('says that a tag was moved, and that a branch was rewritten', () => {
    expect(decideMovement(watched, facts({ movement: { ...tag, from: 'aaa' } }))).toMatchObject({
      kind: 'release',
      notice: { code: 'tag-moved' },
    });
    expect(decideMovement(watched, facts({ direction: 'across' }))).toMatchObject({ kind: 'release', notice: { code: 'rewritten' } });
  });

  it('releases nothing when a branch is taken back', () => {
    expect(decideMovement(watched, facts({ direction: 'back', revisions: ['ccc'] }))).toMatchObject({
      kind: 'ignore',
      revisions: ['ccc'],
      reason: { code: 'rewound' },
    });
  });

  it('says that a watched branch was deleted, and nothing of one that is only watched no more', () => {
    const gone = (ref: string) => decideMovement(watched, facts({ movement: { ref, from: 'aaa', to: null }, direction: 'gone' }));
    expect(gone('refs/heads/main')).toMatchObject({
      kind: 'gone',
      notice: { code: 'deleted', message: 'branch main was deleted; it stood at aaa' },
    });
    expect(gone('refs/tags/v1')).toMatchObject({ kind: 'gone', notice: { code: 'deleted' } });
    expect(gone('refs/heads/other')).toEqual({ kind: 'gone', notice: null });
  });

  it.each([
    [['shop/**'], ['docs/a'], 'ignore'],
    [['shop/**'], ['docs/a', 'shop/b/c'], 'release'],
    [['*.md', 'src/**'], ['README.md'], 'release'],
    [['shop/**'], [], 'ignore'],
    [['shop/**'], null, 'release'],
    [[], ['docs/a'], 'release'],
  ])('with the paths %j and the changes %j does %s', (paths, changedPaths, kind) => {
    const decision = decideMovement({ ...watched, paths }, facts({ changedPaths }));
    expect(decision.kind).toBe(kind);
    if (decision.kind === 'ignore') expect(decision).toMatchObject({ revisions: ['ccc', 'bbb'], reason: { code: 'paths' } });
  });

  it('ignores a revision whose slipway.yaml is wrong, with the reason', () => {
    expect(decideMovement(watched, facts({ badFile: 'slipway.yaml, line 3' }))).toMatchObject({
      kind: 'ignore',
      revisions: ['ccc', 'bbb'],
      reason: { code: 'repository-file', message: 'slipway.yaml, line 3' },
    });
  });

  it('takes what stood there only where it is taken', () => {
    expect(decideMovement(watched, facts({ stood: true, taken: false, direction: 'new' }))).toMatchObject({
      kind: 'ignore',
      reason: { code: 'before-registration' },
    });
    expect(decideMovement(watched, facts({ stood: true, taken: true, direction: 'new', revisions: ['ccc'] }))).toMatchObject({
      kind: 'release',
      folded: [],
    });
  });
});
