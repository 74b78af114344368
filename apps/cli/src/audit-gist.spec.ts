import { describe, expect, it } from 'vitest';
import { gistOf } from './audit-gist.js';

describe('an audit entry in short', () => {
  it('tells who decided what about which release', () => {
    const release = { id: 'x', project: 'shop', number: 42 };
    expect(
      gistOf({
        event: 'sign-off.accepted',
        release,
        environment: 'production',
        person: { name: 'Tess' },
        decision: 'approve',
        comment: 'fine',
      }),
    ).toEqual(['sign-off.accepted', 'Tess', 'shop/42 production: approve, fine']);
  });

  it('tells of files, commands and reasons', () => {
    expect(gistOf({ event: 'project.applied', project: 'shop', version: 3, by: { name: 'Ada' }, reason: '' })).toEqual([
      'project.applied',
      'Ada',
      'shop: version 3',
    ]);
    expect(gistOf({ event: 'release.withdrawn', reason: { code: 'x', message: 'it leaks' } })[2]).toBe('it leaks');
    expect(gistOf({ event: 'command.issued', person: { name: 'Otto' }, action: { kind: 'environment.scale' } })[2]).toBe(
      'environment.scale',
    );
  });

  it('tells of people and their tokens, and of whom where somebody else did it', () => {
    const [ada, tess] = [{ name: 'Ada' }, { name: 'Tess' }];
    expect(gistOf({ event: 'person.changed', person: tess, version: 2, by: ada })).toEqual(['person.changed', 'Ada', 'Tess: version 2']);
    expect(gistOf({ event: 'person.invited', person: tess, by: ada })).toEqual(['person.invited', 'Ada', 'Tess']);
    expect(gistOf({ event: 'person.signed-in', person: tess, with: 'invitation' })).toEqual(['person.signed-in', 'Tess', 'invitation']);
    expect(gistOf({ event: 'token.added', person: tess, name: 'laptop' })).toEqual(['token.added', 'Tess', 'laptop']);
    expect(gistOf({ event: 'token.revoked', person: tess, name: 'laptop', by: tess })).toEqual(['token.revoked', 'Tess', 'laptop']);
    expect(gistOf({ event: 'token.revoked', person: tess, name: 'laptop', by: ada })).toEqual(['token.revoked', 'Ada', 'Tess: laptop']);
  });

  it('makes do with whatever an entry is', () => {
    expect(gistOf({})).toEqual(['-', '-', '']);
    expect(gistOf({ event: 7, release: 'r', person: 'p', action: [], comment: { a: 1 } })).toEqual(['-', '-', '']);
    expect(gistOf({ event: 'x', comment: 'a\u001b[2Jb\nc' })[2]).toBe('ab c');
  });
});
