/** One thing that can happen in a state: how it is told in a story, and what comes of it. `to` may call real code, which may be asynchronous. */
export type Move<S> = readonly [does: string, to: () => S | Promise<S>];

/** A world small enough to be gone through whole. States are plain data and are never changed in place. */
export interface World<S> {
  /** Where it begins; each by its name. */
  readonly starts: Readonly<Record<string, S>>;
  /** All that can happen in a state. None: it is at rest. */
  moves(state: S): Iterable<Move<S>>;
  /**
   * Two states of one key are one: what was found out about the first is believed of the second, so all that the moves and the invariants read must be in
   * it, up to a renaming nothing of them can tell. The state as JSON by default; {@link canonical} renames ids and moments.
   */
  key?(state: S): string;
  /** By name, what must hold in every state. True, or undefined, is good; words say what is wrong. */
  readonly always?: Readonly<Record<string, (state: S) => Verdict>>;
  /** By name, what must hold of every single step. */
  readonly steps?: Readonly<Record<string, (before: S, after: S, does: string) => Verdict>>;
  /** By name, what must stay possible: from every state some way leads to one of these. What is stuck for good is found by it. */
  readonly reaches?: Readonly<Record<string, (state: S) => boolean>>;
}

type Verdict = boolean | string | undefined;

export interface Limits {
  /** The exploration fails when there are more states: a world that grew is to be cut by hand, never silently. */
  readonly atMost: number;
  /** And when it is smaller than this: one that begins nowhere holds everything. */
  readonly atLeast: { readonly states: number; readonly edges: number };
}

export interface Explored {
  readonly states: number;
  /** Steps, those that change nothing too. */
  readonly edges: number;
}

/** A promise is broken: `story` is a shortest way there. */
export class Broken extends Error {
  override readonly name = 'Broken';

  constructor(
    readonly promise: string,
    readonly story: readonly string[],
    readonly why: string,
    state: unknown,
  ) {
    super([`${promise}: ${why}`, ...story.map((does, at) => `  ${at === 0 ? 'at first' : `${at}.`} ${does}`), shown(state)].join('\n'));
  }
}

interface Seen<S> {
  readonly state: S;
  readonly from: Seen<S> | undefined;
  readonly does: string;
  /** Filled only where something must stay reachable. */
  readonly comesFrom: Seen<S>[];
}

/**
 * Goes through a world breadth first, every move of every state, and checks what must hold. Every order of events is taken; none is left out for being
 * like another, save what `key` says is the same state.
 *
 * @throws Broken with the shortest story where a promise does not hold, or a move throws; Error where the world is larger or smaller than `limits` say.
 */
export async function explore<S>(world: World<S>, { atMost, atLeast }: Limits): Promise<Explored> {
  const keyOf = world.key ?? JSON.stringify;
  const seen = new Map<string, Seen<S>>();
  const queue: Seen<S>[] = [];
  let edges = 0;
  const arrive = (state: S, from: Seen<S> | undefined, does: string): void => {
    const key = keyOf(state);
    const known = seen.get(key);
    if (known) {
      if (from && world.reaches) known.comesFrom.push(from);
      return;
    }
    const here: Seen<S> = { state, from, does, comesFrom: from && world.reaches ? [from] : [] };
    if (seen.size >= atMost) throw new Error(`more than ${atMost} states; the last one found:\n${storyOf(here).join('\n')}`);
    seen.set(key, here);
    queue.push(here);
    for (const [promise, holds] of Object.entries(world.always ?? {})) check(promise, () => holds(state), here);
  };
  for (const [name, state] of Object.entries(world.starts)) arrive(state, undefined, name);
  for (let at = 0; at < queue.length; at++) {
    const before = queue[at] as Seen<S>;
    for (const [does, to] of world.moves(before.state)) {
      edges++;
      const after = await taken(before, does, to);
      for (const [promise, holds] of Object.entries(world.steps ?? {}))
        check(promise, () => holds(before.state, after, does), { state: after, from: before, does, comesFrom: [] });
      arrive(after, before, does);
    }
  }
  for (const [promise, is] of Object.entries(world.reaches ?? {})) checkReaches(promise, is, queue);
  if (seen.size < atLeast.states || edges < atLeast.edges)
    throw new Error(`only ${seen.size} states and ${edges} steps; at least ${atLeast.states} and ${atLeast.edges} were expected`);
  return { states: seen.size, edges };
}

/** How a broken world breaks: for tests that show that a promise has teeth. @throws Error where it holds. */
export async function brokenBy<S>(world: World<S>, atMost: number): Promise<Broken> {
  try {
    await explore(world, { atMost, atLeast: { states: 1, edges: 0 } });
  } catch (error) {
    if (error instanceof Broken) return error;
    throw error;
  }
  throw new Error('nothing was broken in it');
}

/**
 * A key for {@link World.key}: the state as JSON in which ids are named in the order they appear and moments by their rank. Sound where ids are only ever
 * compared for being the same, and moments for which is earlier. Write a state so that what has no order comes in one that does not hang on an id.
 */
export function canonical(state: unknown): string {
  const text = JSON.stringify(state);
  const ids = new Map<string, string>();
  const moments = [...new Set(text.match(moment) ?? [])].sort();
  const ranks = new Map(moments.map((each, rank) => [each, `@${rank}`]));
  return text
    .replace(moment, (each) => ranks.get(each) as string)
    .replace(id, (each) => {
      const name = ids.get(each) ?? `#${ids.size}`;
      ids.set(each, name);
      return name;
    });
}

const moment = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const id = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

async function taken<S>(before: Seen<S>, does: string, to: () => S | Promise<S>): Promise<S> {
  try {
    const after = to();
    return after instanceof Promise ? await after : after;
  } catch (error) {
    // A promise that real code found broken itself, inside of one step.
    const [promise, why] = error instanceof Broken ? [error.promise, error.why] : ['no step may throw', String(error)];
    throw new Broken(promise, [...storyOf(before), does], why, before.state);
  }
}

function check<S>(promise: string, holds: () => Verdict, here: Seen<S>): void {
  let verdict: Verdict;
  try {
    verdict = holds();
  } catch (error) {
    // One promise may look at many things, and say which of them it was.
    const [which, why] = error instanceof Broken ? [`${promise}: ${error.promise}`, error.why] : [promise, String(error)];
    throw new Broken(which, storyOf(here), why, here.state);
  }
  if (verdict === true || verdict === undefined) return;
  throw new Broken(promise, storyOf(here), verdict === false ? 'does not hold' : verdict, here.state);
}

/** Backwards from where it holds; of what is never met, the state that is found soonest. */
function checkReaches<S>(promise: string, is: (state: S) => boolean, all: readonly Seen<S>[]): void {
  const reaching = new Set(all.filter(({ state }) => is(state)));
  for (const each of reaching) for (const before of each.comesFrom) reaching.add(before);
  const stuck = all.find((each) => !reaching.has(each));
  if (stuck) throw new Broken(promise, storyOf(stuck), 'from here it can never be so', stuck.state);
}

function storyOf<S>(here: Seen<S>): string[] {
  const story: string[] = [];
  for (let at: Seen<S> | undefined = here; at; at = at.from) story.unshift(at.does);
  return story;
}

function shown(state: unknown): string {
  const text = JSON.stringify(state, (_, value: unknown) => (value instanceof Map || value instanceof Set ? [...value] : value));
  return text.length > 1500 ? `${text.slice(0, 1500)}…` : text;
}
