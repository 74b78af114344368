/** One container of the environment, as far as the next step depends on it. Pure data: everything was read just now. */
export interface Candidate {
  readonly name: string;
  readonly number: number;
  /** Runs the wanted digest with the wanted configuration. */
  readonly matches: boolean;
  /** `stopped`: ended and will not come back by itself. `waiting`: the engine is about to start it again. */
  readonly run: 'running' | 'waiting' | 'stopped' | 'never-started';
  readonly healthy: boolean;
  readonly healthyForMs: number;
  /** Belongs into the proxy. */
  readonly member: boolean;
  /** As the proxy says: `up` takes requests, `draining` only finishes them, `down` failed its checks, `out` is not there or in maintenance. */
  readonly traffic: 'up' | 'draining' | 'down' | 'out';
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
 * before as many others serve; the first old instance stays until one new one has been healthy for the stable window.
 * `reserved` are the numbers of instances that are about to be gone and still hold their names.
 */
export function plan(aim: Aim, candidates: readonly Candidate[], reserved: readonly number[] = []): Step[] {
  const own = candidates.filter((one) => one.matches).toSorted(byUse);
  const keep = own.slice(0, aim.wanted);
  const old = [...candidates.filter((one) => !one.matches), ...own.slice(aim.wanted)];
  const urgent = [...revive(keep), ...joins(keep), ...leavers(aim, old)];
  if (urgent.length > 0) return urgent;
  const creations = create(aim, keep, old, reserved);
  if (creations.length > 0) return creations;
  const next = drainNext(aim, keep, old);
  if (next !== undefined) return [next];
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
    .filter((one) => one.healthy && (one.traffic === 'out' || one.traffic === 'draining'))
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

function drainNext(aim: Aim, keep: readonly Candidate[], old: readonly Candidate[]): Step | undefined {
  const serving = old.filter(serves);
  if (serving.length === 0) return undefined;
  const good = keep.filter((one) => one.healthy && one.traffic === 'up');
  const replacing = keep.length < aim.wanted || serving.some((one) => !one.matches);
  const proven = !replacing || aim.wanted === 0 || good.some((one) => one.healthyForMs >= aim.stableMs);
  const working = serving.filter((one) => one.traffic === 'up' && one.healthy).length;
  // One that does no work any more may go when it is not needed for the count; others only when enough others work.
  const useless = serving.find((one) => one.traffic !== 'up' || !one.healthy);
  const needed = aim.wanted - aim.maxUnavailable;
  if (!proven) return undefined;
  if (useless !== undefined && (good.length + working >= needed || good.length > 0)) return { do: 'drain', name: useless.name };
  const last = serving.toSorted((a, b) => b.number - a.number)[0];
  return last !== undefined && good.length + working - 1 >= needed ? { do: 'drain', name: last.name } : undefined;
}

function settle(keep: readonly Candidate[], old: readonly Candidate[]): Step[] {
  const leaving = old.find((one) => one.traffic === 'draining');
  if (leaving !== undefined) return [{ do: 'wait', for: `${leaving.name} to finish ${leaving.sessions} requests` }];
  const sick = keep.find((one) => !one.healthy);
  if (sick !== undefined) return [{ do: 'wait', for: `${sick.name} to become healthy` }];
  const unserved = keep.find((one) => one.traffic !== 'up');
  if (unserved !== undefined) return [{ do: 'wait', for: `the proxy to see ${unserved.name} up` }];
  if (old.length > 0) return [{ do: 'wait', for: `the first new instance to stay healthy for its window` }];
  return [{ do: 'nothing' }];
}
