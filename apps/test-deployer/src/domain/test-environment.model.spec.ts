import { goesBackwards } from '@slipway/release';
import { aDigest, anId, aProjectFile, aRelease, brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import {
  emptyEnvironment,
  isKeptUntilDecided,
  type Occupant,
  type Situation,
  type TestDeployment,
  type Turn,
  turnOf,
} from './test-environment.js';

/** A test environment: who is in it, who waits, and whether people hold it or have decided about who is in it. Deployments are named by {@link all}. */
interface State {
  readonly occupant: { readonly is: string; readonly state: Occupant['state'] } | null;
  readonly waiting: readonly string[];
  readonly running: string | null;
  readonly isHeld: boolean;
  readonly hasDecided: boolean;
  /** What is still to come, each once. */
  readonly coming: readonly string[];
  /** Those that ended without their turn in this very step. */
  readonly ended: readonly string[];
}

type Turning = (situation: Situation) => Turn;

const asked = { by: { id: anId(), name: 'Tess' }, command: anId(), reason: 'to look at it' };
const file = aProjectFile({
  spec: {
    environments: [
      { name: 'test', stage: 'test', target: 'lab', occupancy: 'until-decided' },
      { name: 'production', stage: 'production', target: 'lab', after: ['test'] },
    ],
  },
});
const releases = { one: aRelease({ number: 1 }), two: aRelease({ number: 2 }), other: aRelease({ number: 3, ref: 'refs/heads/next' }) };

/** Releases 1 and 2 of one line and 3 of another as they come, 2 once more, and 1 twice because a person asks for it. */
const all: Readonly<Record<string, TestDeployment>> = Object.fromEntries(
  (['one', 'two', 'other', 'two again', 'one, asked for', 'one, asked for again'] as const).map((name) => {
    const release = releases[name.split(/[ ,]/)[0] as keyof typeof releases];
    const image = { repository: 'r', digest: aDigest('a') };
    const known = { release, image, provenance: {}, builtAt: '', repositoryFile: null, authors: [], project: 'shop', environment: 'test' };
    const rest = { id: name, asked: name.includes('asked') ? asked : null, state: 'waiting', attempt: 0, resolved: null, checks: [] };
    return [name, { ...known, ...rest, address: null, cause: null, createdAt: '', startedAt: null } as unknown as TestDeployment];
  }),
);
const named = (name: string) => all[name] as TestDeployment;
const start: State = { occupant: null, waiting: [], running: null, isHeld: false, hasDecided: false, coming: [], ended: [] };

function situationOf({ occupant, waiting, running, isHeld, hasDecided }: State): Situation {
  const standing = occupant && { deployment: occupant.is, release: named(occupant.is).release, state: occupant.state };
  const state = { ...emptyEnvironment('shop', 'test'), occupant: standing, hold: isHeld ? { ...asked, until: null } : null };
  const known = { passed: new Set(['test']), decided: new Map([['production', hasDecided]]), isWithdrawn: false };
  return {
    state,
    waiting: waiting.map(named),
    running: running ? named(running) : undefined,
    isKept: isKeptUntilDecided(file, state, known),
  };
}

function worldOf(turning: Turning = turnOf): World<State> {
  return {
    starts: {
      'two lines': { ...start, coming: ['one', 'two', 'other', 'two again'] },
      'people ask': { ...start, coming: ['one', 'two', 'one, asked for', 'one, asked for again'] },
    },
    *moves({ ended: _, ...rest }): Iterable<Move<State>> {
      const state: State = { ...rest, ended: [] };
      for (const name of state.coming)
        yield [
          `${name} comes`,
          () => ({ ...state, waiting: [...state.waiting, name], coming: state.coming.filter((each) => each !== name) }),
        ];
      if (state.isHeld) yield ['Tess lets go', () => ({ ...state, isHeld: false })];
      else yield ['Tess holds it', () => ({ ...state, isHeld: true })];
      if (!state.hasDecided && state.occupant) yield ['people decide', () => ({ ...state, hasDecided: true })];
      yield ['it is whose turn it is', () => turned(state, turning(situationOf(state)))];
      if (state.running === null || !state.occupant) return;
      for (const ending of ['passed', 'failed', 'broken'] as const)
        yield [`${state.running} ${ending}`, () => ({ ...state, running: null, occupant: { is: state.running as string, state: ending } })];
    },
    always: {
      'nobody waits, runs and ends at once': ({ waiting, running, ended }) => {
        const everywhere = [...waiting, ...(running ? [running] : []), ...ended];
        return new Set(everywhere).size === everywhere.length;
      },
    },
    steps: {
      'one at a time': (before, after) => before.running === null || after.running === null || before.running === after.running,
      'nothing comes in backwards that nobody asked for': (before, after) => {
        const occupant = before.occupant && named(before.occupant.is).release;
        return (
          !began(before, after) ||
          named(after.running as string).asked !== null ||
          !goesBackwards(occupant, named(after.running as string).release)
        );
      },
      'what is held, or not decided about, stays unless a person asks': (before, after) =>
        !began(before, after) || named(after.running as string).asked !== null || (!before.isHeld && !situationOf(before).isKept),
      'what a person asks for goes first': (before, after) =>
        !began(before, after) ||
        named(after.running as string).asked !== null ||
        before.waiting.every((name) => named(name).asked === null),
      'only what was overtaken ends': (before, after) => after.ended.every((name) => isOvertaken(before, named(name))),
    },
    reaches: {
      'all have come and nobody waits': ({ waiting, running, coming }) => waiting.length + coming.length === 0 && running === null,
    },
  };
}

function began(before: State, after: State): boolean {
  return before.running === null && after.running !== null;
}

/** By what runs there, by what waits, or, where a person asked for it, by what was asked for after it. */
function isOvertaken({ occupant, waiting }: State, { id, release, asked: by }: TestDeployment): boolean {
  if (by) return waiting.slice(waiting.indexOf(id) + 1).some((name) => named(name).asked !== null);
  const others = [...waiting.filter((name) => name !== id && named(name).asked === null), ...(occupant ? [occupant.is] : [])];
  return others.some((name) => named(name).release.id === release.id || goesBackwards(named(name).release, release));
}

function turned(state: State, { start: next, end }: Turn): State {
  const over = end.map(({ deployment }) => deployment.id);
  const waiting = state.waiting.filter((name) => name !== next?.id && !over.includes(name));
  const after = { ...state, waiting, ended: over };
  return next ? { ...after, running: next.id, occupant: { is: next.id, state: 'deploying' }, hasDecided: false } : after;
}

const mostStates = 12_000;

describe('every test environment and everything that can come to it', () => {
  it('lets in one at a time, the newest or what a person asks for, keeps what is held, and ends only what was overtaken', async () => {
    await explore(worldOf(), { atMost: mostStates, atLeast: { states: 5000, edges: 20_000 } });
  });

  it.each<[string, Turning, RegExp, string[]]>([
    [
      'does not know who is in it',
      (given) => turnOf({ ...given, state: { ...given.state, occupant: null } }),
      /^nothing comes in backwards/,
      ['two comes', 'it is whose turn it is', 'one comes', 'two failed', 'it is whose turn it is'],
    ],
    [
      'does not wait for the one before',
      (given) => turnOf({ ...given, running: undefined }),
      /^one at a time/,
      ['one comes', 'other comes', 'it is whose turn it is', 'it is whose turn it is'],
    ],
    [
      'does not ask who holds it',
      (given) => turnOf({ ...given, state: { ...given.state, hold: null } }),
      /^what is held/,
      ['one comes', 'Tess holds it', 'it is whose turn it is'],
    ],
    [
      'ends whatever does not go',
      (given) => {
        const turn = turnOf(given);
        const left = given.waiting.filter((each) => each !== turn.start);
        return { ...turn, end: left.map((deployment) => ({ deployment, reason: { code: 'superseded', message: '' } })) };
      },
      /^only what was overtaken ends/,
      ['one comes', 'other comes', 'it is whose turn it is'],
    ],
  ])('has teeth: a core that %s', async (_, turning, promise, story) => {
    const broken = await brokenBy(worldOf(turning), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(1)).toEqual(story);
  });
});
