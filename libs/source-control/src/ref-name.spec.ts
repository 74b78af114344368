import { describe, expect, it } from 'vitest';
import { checkGitRef, checkSvnRef, refMatcher } from './ref-name.js';

describe('ref names', () => {
  it.each([
    'main; touch /tmp/x',
    '--output=/tmp/x',
    '@{-1}',
    'a..b',
    '../../x',
    'a//b',
    'a/',
    '.a',
    'a/.b',
    'a.lock',
    'a/b.lock/c',
    'a\u0000b',
    'a\nb',
    'a^b',
    'a:b',
    'a?b',
    'a*b',
    'a[b',
    'a\\b',
    '@',
    '',
    'a/-b',
    'a.',
  ])('refuses %j as a Git branch', (name) => {
    expect(() => checkGitRef(`refs/heads/${name}`)).toThrow('not a name Git allows');
  });

  it.each(['$(id)', '`id`', 'main', 'feature/ü-1', 'v1.2.3', 'a@b', 'release-1', '{a}'])(
    'takes %j, which is harmless as one argument',
    (name) => {
      expect(() => checkGitRef(`refs/heads/${name}`)).not.toThrow();
    },
  );

  it('refuses what is neither branch nor tag', () => {
    expect(() => checkGitRef('refs/pull/1/head')).toThrow('neither');
    expect(() => checkGitRef('HEAD')).toThrow('neither');
  });

  it.each(['../x', 'a/../b', './a', '/a', 'a//b', '-r1', 'a\nb'])('refuses %j as a Subversion branch', (name) => {
    expect(() => checkSvnRef(`refs/heads/${name}`)).toThrow('not a path');
  });

  it('matches patterns as people write them', () => {
    const wanted = refMatcher({ branches: ['main', 'release/*'], tags: ['v*'] });
    const refs = [
      'refs/heads/main',
      'refs/heads/release/1',
      'refs/heads/release/1/x',
      'refs/heads/v1',
      'refs/tags/v1',
      'refs/tags/main',
      'refs/notes/v1',
    ];
    expect(refs.filter(wanted)).toEqual(['refs/heads/main', 'refs/heads/release/1', 'refs/tags/v1']);
  });

  it('is not slowed down by hostile patterns', () => {
    const wanted = refMatcher({ branches: ['+(+(a|aa)+(a))b', '*a*a*a*a*a*a*b'], tags: [] });
    const before = performance.now();
    wanted(`refs/heads/${'a'.repeat(100)}`);
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});
