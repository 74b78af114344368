import { describe, expect, it } from 'vitest';
import { changeOf, type Link, type Runs } from './change.js';

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
    for (const line of lines) for (const from of froms) yield [...before, { number: count, line, revision: `r${count}`, from, merged: [] }];
}

/** What lies under what runs, itself first. What others held at its birth holds only what it was compared with. */
function underneath(links: readonly Link[], running: Runs | null): Link[] {
  if (!running) return [];
  const own = links.find((link) => link.number === running.number);
  const below = links.find((link) => link.revision === own?.from && link.number < running.number);
  const compared = below && !running.ancestorOf.includes(below.number) ? below : undefined;
  const stands = running.ancestorOf.length > 0 ? compared : own;
  return stands === undefined ? [] : [...wayDown(links, stands)];
}

/** Whether one of its line that is not older lies under what runs. */
function isPast(links: readonly Link[], running: Runs | null, { line, number }: Link): boolean {
  return underneath(links, running).some((each) => each.line === line && each.number >= number);
}

/** Everything that lies under a release, itself first, as far as it is known. */
function* wayDown(links: readonly Link[], from: Link): Iterable<Link> {
  for (let at: Link | undefined = from; at; ) {
    yield at;
    const { number, from: below } = at as Link;
    at = links.find((link) => link.revision === below && link.number < number);
  }
}

/** Of that, what does not lie under what runs. */
function until(links: readonly Link[], running: Runs | null, from: Link): Link[] {
  const whole = [...wayDown(links, from)];
  const under = underneath(links, running);
  const end = whole.findIndex((link) => link !== from && (link.revision === running?.revision || under.includes(link)));
  return end === -1 ? whole : whole.slice(0, end);
}

/** What may run: nothing, one of them, and one that was tagged when a release that holds it was there already. */
function* runnings(links: readonly Link[]): Iterable<Runs | null> {
  yield null;
  for (const link of links) {
    yield { ...link, ref: link.line, ancestorOf: [] };
    for (let first = 1; first < link.number; first++) yield { ...link, ref: 'refs/tags/v1', ancestorOf: [first] };
  }
}

/** Goes through all of it: how many were asked, and the first that left something out. */
function gone(changing: typeof changeOf): { asked: number; missed: string } {
  let asked = 0;
  let missed = '';
  for (const links of histories(3))
    for (const line of lines)
      for (const from of [...froms, 'r4'])
        for (const running of runnings(links)) {
          asked++;
          const candidate: Link = { number: 4, line, revision: 'r4', from, merged: [] };
          const { numbers, unheard } = changing([...links, candidate], running, candidate);
          const whole = until([...links, candidate], running, candidate);
          const own = links.filter((link) => link.line === line && !isPast(links, running, link));
          const isWhole = [...whole, ...own].every(({ number }) => numbers.includes(number)) && new Set(numbers).size === numbers.length;
          if (!isWhole || numbers.some((number) => number > 4) || unheard !== breakOf(links, running, whole.at(-1) ?? candidate))
            missed ||= JSON.stringify({ links, candidate, running, numbers, unheard });
        }
  return { asked, missed };
}

/** The revision at which a way down breaks off that ends with this one. */
function breakOf(links: readonly Link[], running: Runs | null, { from, number }: Link): string | null {
  const isKnown = from === null || from === running?.revision || links.some((link) => link.revision === from && link.number < number);
  return isKnown ? null : from;
}

describe('every way in which three releases and a fourth can hang on each other', () => {
  it('counts the whole way down to what runs, the whole line since, and nothing newer; what breaks off is said', () => {
    expect(gone(changeOf)).toEqual({ asked: 1000 * 2 * 6 * 7, missed: '' });
  });

  it.each<[string, typeof changeOf]>([
    ['stays on its own line', (links, running, candidate) => changeOf(links.slice(0, -1), running, { ...candidate, from: null })],
    [
      'takes what it has not heard of for nothing',
      (links, running, candidate) => ({ ...changeOf(links, running, candidate), unheard: null }),
    ],
    [
      'takes a tag on old code for as new as its number',
      (links, running, candidate) => changeOf(links, running && { ...running, ancestorOf: [] }, candidate),
    ],
    [
      'leaves out its own line',
      (links, running, candidate) => changeOf(links, running && { ...running, line: candidate.line, number: 3 }, candidate),
    ],
  ])('has teeth: a core that %s', (_, changing) => {
    expect(gone(changing).missed).not.toBe('');
  });
});
