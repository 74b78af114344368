/** One container of the environment, as far as the next step depends on it. Pure data: everything was read just now. */
export interface Candidate {
  readonly name: string;
  readonly number: number;
  /** Runs the wanted digest with the wanted configuration, and was made whole. */
  readonly matches: boolean;
  /** `stopped`: ended and will not come back by itself. `waiting`: the engine is about to start it again. */
  readonly run: 'running' | 'waiting' | 'stopped' | 'never-started';
  readonly healthy: boolean;
  readonly healthyForMs: number;
  /** Belongs into the proxy. */
  readonly member: boolean;
  /** As the proxy says: `up` takes requests, `draining` only finishes them, `down` failed its checks, `out` is not there or in maintenance. */
  readonly traffic: 'up' | 'draining' | 'down' | 'out';
  /** The proxy has asked it itself. */
  readonly reached: boolean;
  /** Requests it is working on. */
  readonly sessions: number;
  /** Since when we have been draining it; 0 when we are not, or do not know. */
  readonly drainingForMs: number;
}

export interface Aim {
  readonly wanted: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly stableMs: number;
  readonly drainMs: number;
}

/** The next thing to do. Several may be done in one go; `wait` comes alone. */
export type Step =
  | { readonly do: 'start-again'; readonly name: string }
  | { readonly do: 'create'; readonly number: number }
  | { readonly do: 'join'; readonly name: string }
  | { readonly do: 'drain'; readonly name: string }
  | { readonly do: 'retire'; readonly name: string }
  | { readonly do: 'wait'; readonly for: string }
  | { readonly do: 'nothing' };

/**
 * What brings the environment nearer to its aim, one more at most and none fewer by default. Nothing healthy is taken away
 * before as many as are wanted serve; of these the first old one stays until one new one has been healthy for the stable window.
 * `reserved` are the numbers whose names are held already.
 */
export function plan(aim: Aim, candidates: readonly Candidate[], reserved: readonly number[] = []): Step[] {
  const own = candidates.filter((one) => one.matches).toSorted(byUse);
  const keep = own.slice(0, aim.wanted);
  const old = [...candidates.filter((one) => !one.matches), ...own.slice(aim.wanted)];
  const urgent = [...revive(keep), ...joins(keep), ...leavers(aim, old), ...create(aim, keep, old, reserved)];
  if (urgent.length > 0) return urgent;
  const drains = drain(aim, keep, old);
  if (drains.length > 0) return drains;
  return settle(keep, old);
}

/** Those that serve come first, then those that are well, then low numbers: what is surplus is what is missed least. */
function byUse(a: Candidate, b: Candidate): number {
  const worth = (one: Candidate) => (one.traffic === 'up' ? 4 : 0) + (one.healthy ? 2 : 0) + (one.run === 'running' ? 1 : 0);
  return worth(b) - worth(a) || a.number - b.number;
}

function revive(keep: readonly Candidate[]): Step[] {
  return keep.filter((one) => one.run === 'stopped' || one.run === 'never-started').map((one) => ({ do: 'start-again', name: one.name }));
}

function joins(keep: readonly Candidate[]): Step[] {
  return keep
    .filter((one) => one.healthy && (one.traffic === 'out' || (one.traffic === 'draining' && one.reached)))
    .map((one) => ({ do: 'join', name: one.name }));
}

/** Old ones that serve nobody any more can go at once; draining ones when they have finished, or had their time. */
function leavers(aim: Aim, old: readonly Candidate[]): Step[] {
  return old
    .filter((one) => !serves(one) && (one.traffic !== 'draining' || one.sessions === 0 || one.drainingForMs >= aim.drainMs))
    .map((one) => ({ do: 'retire', name: one.name }));
}

/** Takes requests, or may do so again in a moment: it belongs into the proxy and nobody has begun to drain it. */
function serves(one: Candidate): boolean {
  return one.member && one.traffic !== 'draining' && (one.run === 'running' || one.run === 'waiting');
}

function create(aim: Aim, keep: readonly Candidate[], old: readonly Candidate[], reserved: readonly number[]): Step[] {
  const missing = aim.wanted - keep.length;
  const room = aim.wanted + aim.maxSurge - keep.length - old.filter(serves).length;
  const count = Math.max(0, Math.min(missing, room));
  const taken = new Set([...keep.map((one) => one.number), ...reserved]);
  const steps: Step[] = [];
  for (let number = 1; steps.length < count; number++) {
    if (!taken.has(number)) steps.push({ do: 'create', number });
  }
  return steps;
}

/** As many as are not needed for the count any more, at once: each has its own time to finish. */
function drain(aim: Aim, keep: readonly Candidate[], old: readonly Candidate[]): Step[] {
  const serving = old.filter(serves);
  if (serving.length === 0) return [];
  const good = keep.filter((one) => one.healthy && one.traffic === 'up' && one.reached);
  const replacing = keep.length < aim.wanted || serving.some((one) => !one.matches);
  const proven = !replacing || aim.wanted === 0 || good.some((one) => one.healthyForMs >= aim.stableMs);
  const works = (one: Candidate) => one.traffic === 'up' && one.healthy;
  const byNeed = serving.toSorted((a, b) => Number(works(a)) - Number(works(b)) || b.number - a.number);
  const working = serving.filter(works).length;
  // Fewer are wanted than run: without this there would be no room for the first new one.
  if (!proven) return byNeed.slice(0, Math.max(0, serving.length - aim.wanted)).map(toDrain);
  // Those that do no work any more may go when they are not needed for the count; others only when enough others work.
  const useless = serving.filter((one) => !works(one));
  const needed = aim.wanted - aim.maxUnavailable;
  const spare = Math.max(0, good.length + working - needed);
  const first = useless.length > 0 && (good.length > 0 || working >= needed);
  return (first ? useless : byNeed.slice(0, spare)).map(toDrain);
}

function toDrain(one: Candidate): Step {
  return { do: 'drain', name: one.name };
}

function settle(keep: readonly Candidate[], old: readonly Candidate[]): Step[] {
  const leaving = old.find((one) => one.traffic === 'draining');
  if (leaving !== undefined) return [{ do: 'wait', for: `${leaving.name} to finish ${leaving.sessions} requests` }];
  const sick = keep.find((one) => !one.healthy);
  if (sick !== undefined) return [{ do: 'wait', for: `${sick.name} to become healthy` }];
  const unserved = keep.find((one) => one.traffic !== 'up' || !one.reached);
  if (unserved !== undefined) return [{ do: 'wait', for: `the proxy to reach ${unserved.name}` }];
  if (old.length > 0) return [{ do: 'wait', for: `the first new instance to stay healthy for its window` }];
  return [{ do: 'nothing' }];
}
