import { posix } from 'node:path';
import { ContextRefused } from './errors.js';

/**
 * `.dockerignore` as the docker CLI reads it: the last rule that matches a path or one of its parents decides, `!` takes back. Matching is
 * done by stepping through all states at once, so a rule written to be slow (`**` many times) costs no more than its length.
 */
export class IgnoreRules {
  private constructor(private readonly rules: readonly { readonly states: readonly State[]; readonly negative: boolean }[]) {}

  /** Reads the file's text. Throws `ContextRefused` naming the line for a pattern that is none. */
  static parse(text: string): IgnoreRules {
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    return new IgnoreRules(lines.flatMap((line, at) => readRule(line, at + 1) ?? []));
  }

  /** Whether a path (relative to the context, with `/`) is left out. */
  ignores(path: string): boolean {
    let ignored = false;
    for (const rule of this.rules) {
      // A rule that would change nothing need not be asked.
      if (rule.negative === ignored && matches(rule.states, path)) ignored = !rule.negative;
    }
    return ignored;
  }
}

/** What may be consumed at a place of a pattern, and where that leads. `loop` stays, `skip` may be passed without a character. */
interface State {
  readonly accepts: (character: string) => boolean;
  readonly loop: boolean;
  readonly skip: boolean;
  /** For a double star before a slash: the way on is open only after a slash. */
  readonly leavesBySlash: boolean;
}

const notSlash = (character: string): boolean => character !== '/';
const anything = (): boolean => true;

function readRule(line: string, number: number): { states: State[]; negative: boolean } | undefined {
  if (line.startsWith('#')) return undefined;
  let pattern = line.trim();
  const negative = pattern.startsWith('!');
  if (negative) pattern = pattern.slice(1).trim();
  if (pattern === '') {
    if (negative) throw new ContextRefused(`.dockerignore line ${number}: "!" without a pattern`);
    return undefined;
  }
  pattern = posix.normalize(pattern).replace(/(?<=.)\/$/, '');
  if (pattern.length > 1 && pattern.startsWith('/')) pattern = pattern.slice(1);
  return { states: compile([...pattern], number), negative };
}

function compile(pattern: readonly string[], line: number): State[] {
  const states: State[] = [];
  let at = 0;
  while (at < pattern.length) {
    const character = pattern[at] as string;
    if (character === '*' && pattern[at + 1] === '*') {
      at += pattern[at + 2] === '/' ? 3 : 2;
      states.push({ accepts: anything, loop: true, skip: true, leavesBySlash: at < pattern.length });
    } else if (character === '*') {
      at += 1;
      states.push({ accepts: notSlash, loop: true, skip: true, leavesBySlash: false });
    } else if (character === '?') {
      at += 1;
      states.push(once(notSlash));
    } else if (character === '[') {
      const end = classEnd(pattern, at, line);
      states.push(once(characterClass(pattern.slice(at + 1, end))));
      at = end + 1;
    } else {
      const wanted = character === '\\' && at + 1 < pattern.length ? (pattern[++at] as string) : character;
      at += 1;
      states.push(once((given) => given === wanted));
    }
  }
  return states;
}

function once(accepts: State['accepts']): State {
  return { accepts, loop: false, skip: false, leavesBySlash: false };
}

function classEnd(pattern: readonly string[], from: number, line: number): number {
  for (let at = from + 2; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern[at] === ']') return at;
  }
  throw new ContextRefused(`.dockerignore line ${line}: "[" without "]"`);
}

function characterClass(inside: readonly string[]): State['accepts'] {
  const negated = inside[0] === '^';
  const ranges: [string, string][] = [];
  for (let at = negated ? 1 : 0; at < inside.length; at++) {
    if (inside[at] === '\\') at++;
    const low = inside[at] ?? '\\';
    const isRange = inside[at + 1] === '-' && inside[at + 2] !== undefined;
    ranges.push([low, isRange ? (inside[at + 2] as string) : low]);
    if (isRange) at += 2;
  }
  return (given) => ranges.some(([low, high]) => given >= low && given <= high) !== negated;
}

/** Whether the path or one of its parents matches, in one go; `places` holds every state the pattern may be in after each character. */
function matches(states: readonly State[], path: string): boolean {
  let places = new Set<number>();
  enter(states, places, 0);
  for (const character of path) {
    if (character === '/' && places.has(states.length)) return true;
    const next = new Set<number>();
    for (const place of places) {
      const state = states[place];
      if (!state?.accepts(character)) continue;
      if (!state.loop) enter(states, next, place + 1);
      else if (!state.leavesBySlash) enter(states, next, place);
      else {
        next.add(place);
        if (character === '/') enter(states, next, place + 1);
      }
    }
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(states.length);
}

/** Reaches a place and all that can be reached from it without a character. */
function enter(states: readonly State[], places: Set<number>, from: number): void {
  let place = from;
  places.add(place);
  while (states[place]?.skip) places.add(++place);
}
