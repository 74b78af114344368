import { describe, expect, it } from 'vitest';
import { commitsForEvent, peopleOf, type ToldCommit } from './people.js';

const ann = { name: 'Ann', email: 'ann@shop.example' };
const bo = { name: 'Bo', email: 'bo@shop.example' };
const commit = (changes: Partial<ToldCommit> = {}): ToldCommit => ({
  revision: 'abc',
  author: ann,
  committer: ann,
  coAuthors: [],
  message: 'm',
  time: '2026-11-23T05:00:00.000Z',
  ...changes,
});
const names = (people: { name: string }[]) => people.map(({ name }) => name);

describe('the people of a range', () => {
  it('are authors, committers, co-authors and pushers, each once whatever the case', () => {
    const commits = [
      commit({ committer: bo }),
      commit({ author: { name: 'A.', email: 'ANN@shop.example' }, coAuthors: [{ name: 'Cy', email: null }] }),
    ];
    expect(names(peopleOf(commits, [{ name: 'Pat', email: null, account: 'pat' }], true))).toEqual(['Ann', 'Bo', 'Cy', 'Pat']);
  });

  it('keep the user name at the source, by which a Subversion author is known', () => {
    const [author] = peopleOf([commit({ author: { name: 'dana', email: null, account: 'dana' }, committer: null })], [], true);
    expect(author).toEqual({ name: 'dana', email: null, account: 'dana' });
  });

  it('leave out the forge that commits what was merged in its pages', () => {
    expect(names(peopleOf([commit({ committer: { name: 'GitHub', email: 'noreply@github.com' } })], [], true))).toEqual(['Ann']);
  });

  it('hold somebody nobody knows when the list is not whole', () => {
    expect(peopleOf([commit()], [], false).at(-1)).toEqual({ name: 'more people than could be listed', email: null, account: null });
    const many = Array.from({ length: 2500 }, (_each, at) => commit({ author: { name: `${at}`, email: `${at}@x` } }));
    const people = peopleOf(many, [], true);
    expect([people.length, people.at(-1)?.name]).toEqual([2000, 'more people than could be listed']);
    const loud = Array.from({ length: 1900 }, (_each, at) =>
      commit({ author: { name: `${at}${'☃'.repeat(290)}`, email: null }, committer: null }),
    );
    const heard = peopleOf(loud, [], true);
    expect(heard.at(-1)?.name).toBe('more people than could be listed');
    expect(Buffer.byteLength(JSON.stringify(heard))).toBeLessThan(360_000);
  });
});

describe('the commits of an event', () => {
  it('are 200 at most and stay small', () => {
    expect(commitsForEvent(Array.from({ length: 300 }, () => commit()))).toHaveLength(200);
    const long = commitsForEvent(Array.from({ length: 300 }, () => commit({ message: 'ü'.repeat(4000) })));
    expect(Buffer.byteLength(JSON.stringify(long))).toBeLessThan(260_000);
    expect(long.length).toBeGreaterThan(50);
  });
});
