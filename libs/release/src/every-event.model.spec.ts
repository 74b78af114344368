import { readFileSync } from 'node:fs';
import { type AnyEvent, catalog, type Release } from '@slipway/contracts';
import { brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import type { Told } from './event-order.js';
import { type EnvironmentState, type ReleaseState, releaseAfter, releasesOf } from './release-state.js';
import { aRelease, file, people, time, uuid } from './story.example.js';
import { waitingFor } from './waiting-for.js';

type Folding = typeof releaseAfter;
type About = Readonly<Record<string, unknown>>;

const own = aRelease();
const other = aRelease(43);
const here = 'production';

/** What each of these may be where an event has it; every choice is told with every other. Of whatever else it has one thing at a time is told otherwise. */
const choices: Readonly<Record<string, readonly unknown[]>> = {
  request: [uuid(801), uuid(802)],
  rollout: [uuid(601), uuid(602)],
  releases: [[own], [other]].map((of) => of.map(({ id, number }) => ({ id, number }))),
};
/** Who says what any service may say: what is told of two is not one story. */
const anyService = ['test-deployer', 'production-rollout'];
/** What decides and no schema tells. */
const also: Partial<Record<AnyEvent['name'], readonly About[]>> = {
  'deployment.failed': [{ reason: { code: 'superseded', message: 'another goes first' } }],
  'part.away': [{ part: 'approval' }],
};

/** As much of a schema as its variants are told by. */
interface Schema {
  readonly def: { readonly type: string; readonly innerType?: Schema; readonly entries?: object; readonly values?: readonly unknown[] };
  readonly shape?: Readonly<Record<string, Schema>>;
}

/** All that a value of this schema may be, as far as that is a matter of yes, no, one of a few, or nothing. */
function valuesOf({ def }: Schema, sample: unknown): readonly unknown[] {
  const inner = () => (def.innerType ? valuesOf(def.innerType, sample) : []);
  switch (def.type) {
    case 'nullable':
      return [null, ...inner()];
    case 'optional':
      return [undefined, ...inner()];
    case 'default':
      return inner();
    case 'enum':
      return Object.values(def.entries ?? {});
    case 'literal':
      return def.values ?? [];
    case 'boolean':
      return [true, false];
    default:
      return sample === undefined || sample === null ? [] : [sample];
  }
}

function isRelease(value: unknown): value is Release {
  return typeof value === 'object' && value !== null && 'number' in value && 'line' in value;
}

/** Every way to choose one of each. */
function products(of: readonly (readonly [string, readonly unknown[]])[]): About[] {
  return of.reduce<About[]>((all, [name, values]) => all.flatMap((about) => values.map((value) => ({ ...about, [name]: value }))), [{}]);
}

/** All that can be told by this event: derived from its contract, so that neither an event nor a field of one is left out. */
function* variantsOf(name: string): Iterable<readonly [string, Told]> {
  const definition = catalog.get(name);
  if (!definition) throw new Error(`no event ${name}`);
  const path = new URL(`../../contracts/samples/${name}.v${definition.version}.json`, import.meta.url);
  const sample = JSON.parse(readFileSync(path, 'utf8')) as About;
  const shape = (definition.data as unknown as Schema).shape ?? {};
  const chosen = Object.keys(shape).flatMap((field): (readonly [string, readonly unknown[]])[] => {
    const values = field === 'release' ? [own, other] : (choices[field] ?? (isRelease(sample[field]) ? [other, own] : undefined));
    const isId = field === 'release' && typeof sample[field] === 'string';
    return values ? [[field, isId ? [own.id, other.id] : values]] : [];
  });
  const where = 'environment' in shape ? { environment: here } : {};
  const stage = 'stage' in shape ? { stage: here } : {};
  const isChosen = new Set([...chosen.map(([field]) => field), 'environment', 'stage', 'project']);
  const otherwise = Object.entries(shape).flatMap(([field, schema]): About[] => {
    if (isChosen.has(field)) return valuesOf(schema, undefined).includes(null) ? [{ [field]: null }] : [];
    return valuesOf(schema, sample[field]).map((value) => ({ [field]: value }));
  });
  const elsewhere = 'environment' in shape ? [{ environment: 'test' }] : [];
  const known = new Set<string>();
  for (const source of definition.writer === 'every' ? anyService : [definition.writer])
    for (const about of products(chosen))
      for (const change of [{}, ...elsewhere, ...otherwise, ...(also[name as AnyEvent['name']] ?? [])]) {
        const data = definition.data.safeParse({ ...sample, ...where, ...stage, ...about, ...change });
        if (!data.success) continue;
        const event = { id: uuid(1), name, source, subject: own.id, time: time(1), data: data.data } as unknown as Told;
        // What names no release tells nothing of one, however it is put; of another it is enough to hear it once.
        const matters = releasesOf(event).includes(own.id) || Object.keys(change).length === 0;
        const text = JSON.stringify([source, data.data]);
        if (!matters || known.has(text)) continue;
        known.add(text);
        yield [`${name} ${source} ${wordsOf({ ...about, ...change })}`, event];
      }
}

function wordsOf(about: About): string {
  const words = Object.entries(about).map(([field, value]) => `${field}: ${isRelease(value) ? value.number : JSON.stringify(value)}`);
  return words.join(', ');
}

const alphabet = new Map([...catalog.keys()].flatMap((name) => [...variantsOf(name)]));

/** A part of a state that nothing else in it has a say in: what the others are is left out of the key, and tried with two of them at every step. */
interface Part {
  of(state: ReleaseState): unknown;
  onto(rest: ReleaseState, state: ReleaseState): ReleaseState;
}

function productionOf({ environments }: ReleaseState): EnvironmentState | undefined {
  return environments.find(({ environment }) => environment === here);
}

/** What people are shown of an environment, and nothing is decided by: otherwise at every step than it is. */
const onlyShown = { stage: null, image: null, address: null, progress: null, reason: null, replacedBy: 7, since: time(3) };

const parts: Readonly<Record<string, Part>> = {
  'its build': {
    of: ({ release, build, image, authors, withdrawn }) => [release.number, build, image, authors, withdrawn],
    onto: (rest, { release, build, image, authors, withdrawn }) => ({ ...rest, release, build, image, authors, withdrawn }),
  },
  'where it is in an environment': {
    of: (state) => {
      const { status, runs, rollout, request } = productionOf(state) ?? {};
      return [status, runs, rollout, request?.request, ...new Set(request?.approvals.map(({ person }) => person.id))];
    },
    onto: (rest, state) => {
      const production = productionOf(state);
      return production ? { ...rest, environments: [...rest.environments, { ...production, ...onlyShown }] } : rest;
    },
  },
  'what it waits for that is away': {
    of: ({ away = [] }) => away.map((each) => JSON.stringify(each)).sort(),
    onto: ({ away: _, ...rest }, { away }) => (away ? { ...rest, away } : rest),
  },
  'its retired image': {
    of: ({ retired }) => retired,
    onto: ({ retired: _, ...rest }, { retired }) => (retired ? { ...rest, retired } : rest),
  },
};

function after(...words: string[]): ReleaseState {
  const state = words.reduce<ReleaseState | undefined>((before, each) => {
    const found = [...alphabet].find(([said, event]) => said.startsWith(each) && releasesOf(event).includes(own.id));
    if (!found) throw new Error(`nothing is told by ${each}`);
    return releaseAfter(before, found[1], own.id);
  }, undefined);
  if (!state) throw new Error('nothing was told');
  return state;
}

/** A release of which nothing is known, and one to which much has happened. */
const newborn = after('commit.detected');
const old = after('commit.detected', 'image.built', 'image.retired', 'part.away', 'release.withdrawn');
const rests = [
  newborn,
  { ...old, environments: [{ ...(productionOf(after('rollout.succeeded')) as EnvironmentState), environment: 'test' }] },
];

function worldOf(part: Part, folding: Folding = releaseAfter): World<ReleaseState | null> {
  const keys = new WeakMap<ReleaseState, string>();
  const keyOf = (state: ReleaseState | null): string => {
    if (state === null) return 'nothing';
    const known = keys.get(state) ?? JSON.stringify(part.of(state));
    keys.set(state, known);
    return known;
  };
  const grafts = new WeakMap<ReleaseState, readonly ReleaseState[]>();
  const graftsOf = (state: ReleaseState) => {
    const known = grafts.get(state) ?? rests.map((rest) => part.onto(rest, state));
    grafts.set(state, known);
    return known;
  };
  const heard = (does: string) => alphabet.get(does) as Told;
  return {
    starts: { 'nothing is known': null, 'it was just born': newborn },
    key: keyOf,
    *moves(state): Iterable<Move<ReleaseState | null>> {
      for (const [words, event] of alphabet) yield [words, () => folding(state ?? undefined, event, own.id) ?? null];
    },
    always: {
      'it always waits for something, and it can be said for what': (state) => state === null || isSaid(state),
      'what was withdrawn is that': (state) => !state?.withdrawn || state.phase === 'withdrawn',
      'it is in an environment once': (state) =>
        new Set(state?.environments.map(({ environment }) => environment)).size === (state?.environments.length ?? 0),
      'who is asked can be seen': (state) => !state?.environments.some(({ status, request }) => status === 'awaiting-approval' && !request),
    },
    steps: {
      'it stays the same release': (before, now) => before === null || now?.release.id === before.release.id,
      'an image, once known, is not forgotten': (before, now) => before?.image == null || now?.image != null,
      'what was withdrawn stays so': (before, now) => !before?.withdrawn || now?.withdrawn != null,
      'a thing said twice in a row is said once': (before, now, does) =>
        now === before || now === null || keyOf(now) === keyOf(folding(now, heard(does), own.id) ?? null),
      'what is said of another takes its place, or tells nothing of this one': (before, now, does) =>
        before === null || now === before || releasesOf(heard(does)).includes(own.id) || tookItsPlace(before, now),
      'what is said of another environment is nothing here': (before, now, does) =>
        before === null || now === before || !does.includes('environment: "test"') || productionOf(before) === (now && productionOf(now)),
      'an answer to another request than the newest is passed over': (before, now, does) =>
        before === null || now === before || !isOvertaken(before, heard(does)) || productionOf(before) === (now && productionOf(now)),
      'what becomes of it hangs on nothing else of the release': (before, now, does) => {
        if (before === null || now === null) return true;
        return graftsOf(before).every((graft) => {
          const then = folding(graft, heard(does), own.id);
          return then === graft ? keyOf(now) === keyOf(before) : then !== undefined && keyOf(then) === keyOf(now);
        });
      },
    },
  };
}

function isSaid(state: ReleaseState): boolean {
  const waits = waitingFor(state, { file, people, now: time(2) });
  return waits.length > 0 && waits.every(({ text }) => text.en !== '' && text.zh !== '');
}

function tookItsPlace(before: ReleaseState, now: ReleaseState | null): boolean {
  const bare = (state: ReleaseState | null) =>
    JSON.stringify({
      ...state,
      phase: null,
      updatedAt: null,
      environments: state?.environments.map((each) => ({ ...each, runs: null, replacedBy: null })),
    });
  return bare(before) === bare(now) && !now?.environments.some(({ runs }) => runs);
}

function isOvertaken(state: ReleaseState, { name, data }: Told): boolean {
  const { request, environment, unasked } = data as { request?: string | null; environment?: string; unasked?: true };
  const newest = productionOf(state)?.request?.request;
  const isAnswer =
    (name.startsWith('approval.') && name !== 'approval.requested') || name === 'sign-off.accepted' || name === 'rollout.aborted';
  return isAnswer && environment === here && !unasked && newest !== undefined && request != null && request !== newest;
}

describe('every event of the catalogue, and every way to tell it, against every state of a release', () => {
  it('has all events, with all they may say of a release', () => {
    const told = new Set([...alphabet.values()].map(({ name }) => name));
    expect([...catalog.keys()].filter((name) => !told.has(name as AnyEvent['name']))).toEqual([]);
    const ofRelease = [...alphabet.keys()].filter((words) => words.startsWith('rollout.failed '));
    expect(ofRelease).toContain(`rollout.failed production-rollout rollout: "${uuid(602)}", release: 42, next: "hold"`);
    expect(alphabet.size).toBeGreaterThan(290);
  });

  it.each<[string, number]>([
    ['its build', 35],
    ['where it is in an environment', 380],
    ['what it waits for that is away', 140],
    ['its retired image', 5],
  ])(
    '%s: it is known where it is and what it waits for',
    async (name, states) => {
      await explore(worldOf(parts[name] as Part), { atMost: 1000, atLeast: { states, edges: states * 290 } });
    },
    120_000,
  );

  it.each<[string, string, Folding, RegExp]>([
    [
      'takes what is said of another release for its own',
      'where it is in an environment',
      (state, event, id) =>
        releaseAfter(state, event.name === 'verification.passed' ? { ...event, data: { ...event.data, release: own } } : event, id),
      /what is said of another takes its place/,
    ],
    [
      'takes an answer to any request for an answer to this one',
      'where it is in an environment',
      (state, event, id) => {
        const request = state && productionOf(state)?.request?.request;
        const isAnswer = event.name === 'approval.granted' || event.name === 'approval.expired';
        return releaseAfter(state, isAnswer && request ? ({ ...event, data: { ...event.data, request } } as Told) : event, id);
      },
      /an answer to another request/,
    ],
    [
      'lets no rollout of a withdrawn release be heard',
      'where it is in an environment',
      (state, event, id) => (state?.withdrawn && event.name.startsWith('rollout.') ? state : releaseAfter(state, event, id)),
      /hangs on nothing else/,
    ],
    [
      'forgets that an image is known when it is built anew',
      'its build',
      (state, event, id) => {
        const now = releaseAfter(state, event, id);
        return now && event.name === 'build.started' ? { ...now, image: null } : now;
      },
      /an image, once known/,
    ],
  ])('has teeth: a fold that %s', async (_, part, folding, promise) => {
    expect((await brokenBy(worldOf(parts[part] as Part, folding), 1000)).promise).toMatch(promise);
  });
});
