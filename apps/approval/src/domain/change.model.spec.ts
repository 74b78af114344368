import { describe, expect, it } from 'vitest';
import { changeOf, type Link } from './change.js';

const lines = ['main', 'next'];
/** The revisions that a release may have been compared with: none, each release's, its own, and one that nobody has heard of. */
const froms = [null, 'r1', 'r2', 'r3', 'unheard'];

/** Every way in which the first `count` releases can hang on each other. */
function* histories(count: number): Iterable<Link[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (const before of histories(count - 1))
    for (const line of lines) for (const from of froms) yield [...before, { number: count, line, revision: `r${count}`, from }];
}

/** Everything that lies under a release, as far as it is known, and which does not lie under what runs. */
function* wayDown(links: readonly Link[], running: Link | null, from: Link): Iterable<Link> {
  for (let at: Link | undefined = from; at; ) {
    yield at;
    const { number, from: below } = at as Link;
    at = links.find((link) => link.revision === below && link.number < number);
    if (at && running && (at.number === running.number || (at.line === running.line && at.number < running.number))) return;
  }
}

/** Goes through all of it: how many were asked, and the first that left something out. */
function gone(changing: typeof changeOf): { asked: number; missed: string } {
  let asked = 0;
  let missed = '';
  for (const links of histories(3))
    for (const line of lines)
      for (const from of [...froms, 'r4'])
        for (const running of [null, ...links]) {
          asked++;
          const candidate: Link = { number: 4, line, revision: 'r4', from };
          const { numbers, unheard } = changing([...links, candidate], running, candidate);
          const whole = [...wayDown([...links, candidate], running, candidate)];
          const own = links.filter((link) => link.line === line && (running?.line !== line || link.number > running.number));
          const isWhole = [...whole, ...own].every(({ number }) => numbers.includes(number)) && new Set(numbers).size === numbers.length;
          if (!isWhole || numbers.some((number) => number > 4) || unheard !== breakOf(links, running, whole.at(-1) ?? candidate))
            missed ||= JSON.stringify({ links, candidate, running, numbers, unheard });
        }
  return { asked, missed };
}

/** The revision at which a way down breaks off that ends with this one. */
function breakOf(links: readonly Link[], running: Link | null, { from, number }: Link): string | null {
  const isKnown = from === null || from === running?.revision || links.some((link) => link.revision === from && link.number < number);
  return isKnown ? null : from;
}

describe('every way in which three releases and a fourth can hang on each other', () => {
  it('counts the whole way down to what runs, the whole line since, and nothing newer; what breaks off is said', () => {
    expect(gone(changeOf)).toEqual({ asked: 1000 * 2 * 6 * 4, missed: '' });
  });

  it.each<[string, typeof changeOf]>([
    ['stays on its own line', (links, running, candidate) => changeOf(links, running, { ...candidate, from: null })],
    [
      'takes what it has not heard of for nothing',
      (links, running, candidate) => ({ ...changeOf(links, running, candidate), unheard: null }),
    ],
    [
      'leaves out its own line',
      (links, running, candidate) => changeOf(links, running && { ...running, line: candidate.line, number: 3 }, candidate),
    ],
  ])('has teeth: a core that %s', (_, changing) => {
    expect(gone(changing).missed).not.toBe('');
  });
});
