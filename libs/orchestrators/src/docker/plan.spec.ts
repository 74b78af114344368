import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Aim, type Candidate, plan, type Step } from './plan.js';

const aim: Aim = { wanted: 2, maxSurge: 1, maxUnavailable: 0, stableMs: 100, drainMs: 1000 };

function one(given: Partial<Candidate> = {}): Candidate {
  return {
    name: 'new-1',
    number: 1,
    matches: true,
    run: 'running',
    healthy: true,
    healthyForMs: 1000,
    member: true,
    traffic: 'up',
    reached: true,
    sessions: 0,
    drainingForMs: 0,
    ...given,
  };
}
const older = (number: number, given: Partial<Candidate> = {}) => one({ name: `old-${number}`, number, matches: false, ...given });

describe('the plan', () => {
  it('creates all at once where nothing runs, and one more than wanted where something does', () => {
    expect(plan({ ...aim, wanted: 3 }, [])).toEqual([1, 2, 3].map((number) => ({ do: 'create', number })));
    expect(plan(aim, [older(1), older(2)])).toEqual([{ do: 'create', number: 1 }]);
  });

  it('has nothing to do when all is as wanted', () => {
    expect(plan(aim, [one(), one({ name: 'new-2', number: 2 })])).toEqual([{ do: 'nothing' }]);
  });

  it('sends requests to a new one as soon as it is healthy', () => {
    expect(plan(aim, [one({ member: false, traffic: 'out' }), older(1), older(2)])).toEqual([{ do: 'join', name: 'new-1' }]);
  });

  it('gives a new one nothing before the proxy has reached it itself, and takes no old one away for it', () => {
    const joined = { traffic: 'draining', reached: false } as const;
    expect(plan(aim, [one(joined), older(1), older(2)])).toEqual([{ do: 'wait', for: 'the proxy to reach new-1' }]);
    expect(plan(aim, [one({ ...joined, reached: true }), older(1), older(2)])).toEqual([{ do: 'join', name: 'new-1' }]);
    expect(plan(aim, [one({ reached: false }), older(1), older(2)])).toEqual([{ do: 'wait', for: 'the proxy to reach new-1' }]);
  });

  it('takes no old one away before the first new one was healthy for the window', () => {
    expect(plan(aim, [one({ healthyForMs: 50 }), older(1), older(2)])).toMatchObject([{ do: 'wait' }]);
    expect(plan(aim, [one(), older(1), older(2)])).toEqual([{ do: 'drain', name: 'old-2' }]);
  });

  it('lets an old one finish what it has, for the drain time', () => {
    const draining = (given: Partial<Candidate>) => plan(aim, [one(), older(1), older(2, { traffic: 'draining', ...given })]);
    expect(draining({ sessions: 3, drainingForMs: 10 })).toEqual([{ do: 'create', number: 2 }]);
    expect(draining({ sessions: 3, drainingForMs: 1000 })).toContainEqual({ do: 'retire', name: 'old-2' });
    expect(draining({ sessions: 0 })).toContainEqual({ do: 'retire', name: 'old-2' });
  });

  it('starts the next one while the one it replaces leaves', () => {
    expect(plan(aim, [one(), older(1), older(2, { traffic: 'draining' })])).toEqual([
      { do: 'retire', name: 'old-2' },
      { do: 'create', number: 2 },
    ]);
  });

  it('drains as many at once as others serve instead', () => {
    const both = [one(), one({ name: 'new-2', number: 2 }), older(1), older(2)];
    expect(plan({ ...aim, maxSurge: 2 }, both)).toEqual([
      { do: 'drain', name: 'old-2' },
      { do: 'drain', name: 'old-1' },
    ]);
  });

  it('takes those away at once that a smaller number leaves over, the sick ones first, so that there is room for a new one', () => {
    const sick = { healthy: false, traffic: 'down' } as const;
    const fewer = { ...aim, wanted: 1 };
    expect(plan(fewer, [older(1), older(2)])).toEqual([{ do: 'drain', name: 'old-2' }]);
    expect(plan(fewer, [older(1, sick), older(2)])).toEqual([{ do: 'drain', name: 'old-1' }]);
    expect(plan(fewer, [older(1, sick), older(2, sick)])).toEqual([{ do: 'drain', name: 'old-2' }]);
    expect(plan(fewer, [older(2)])).toEqual([{ do: 'create', number: 1 }]);
  });

  it('starts what has ended for good, and leaves alone what the engine starts again', () => {
    expect(plan(aim, [one({ run: 'stopped', healthy: false, traffic: 'down' }), one({ name: 'new-2', number: 2 })])).toEqual([
      { do: 'start-again', name: 'new-1' },
    ]);
    expect(plan(aim, [one({ run: 'waiting', healthy: false, traffic: 'down' }), one({ name: 'new-2', number: 2 })])).toMatchObject([
      { do: 'wait' },
    ]);
  });

  it('takes away what nobody asked for and nobody uses at once', () => {
    expect(plan(aim, [one(), one({ name: 'new-2', number: 2 }), older(1, { member: false, traffic: 'out', healthy: false })])).toEqual([
      { do: 'retire', name: 'old-1' },
    ]);
  });

  it('keeps every old one while all of them look sick and no new one is proven', () => {
    const sick = { healthy: false, traffic: 'down' } as const;
    expect(plan(aim, [one({ healthy: false, traffic: 'out', member: false }), older(1, sick), older(2, sick)])).toMatchObject([
      { do: 'wait' },
    ]);
  });

  it('scales down the ones that are missed least', () => {
    expect(plan(aim, [one(), one({ name: 'new-2', number: 2 }), one({ name: 'new-3', number: 3 })])).toEqual([
      { do: 'drain', name: 'new-3' },
    ]);
    expect(plan({ ...aim, wanted: 1 }, [one({ healthy: false, traffic: 'down' }), one({ name: 'new-2', number: 2 })])).toEqual([
      { do: 'drain', name: 'new-1' },
    ]);
  });

  it('goes to none when none are wanted', () => {
    expect(plan({ ...aim, wanted: 0 }, [one()])).toEqual([{ do: 'drain', name: 'new-1' }]);
  });
});

/** A target in a few lines: does what the plan says, and lets time pass for what is only started. */
function carryOut(steps: readonly Step[], all: readonly Candidate[]): Candidate[] {
  let next = [...all];
  const change = (name: string, to: Partial<Candidate>) => {
    next = next.map((candidate) => (candidate.name === name ? { ...candidate, ...to } : candidate));
  };
  for (const step of steps) {
    if (step.do === 'create')
      next.push(
        one({
          name: `new-${step.number}-${next.length}`,
          number: step.number,
          healthy: false,
          healthyForMs: 0,
          member: false,
          traffic: 'out',
          reached: false,
        }),
      );
    else if (step.do === 'join') {
      const reached = next.some((candidate) => candidate.name === step.name && candidate.reached);
      change(step.name, { member: true, ...(reached ? { traffic: 'up', drainingForMs: 0 } : { traffic: 'draining', drainingForMs: 1 }) });
    } else if (step.do === 'drain') change(step.name, { traffic: 'draining', drainingForMs: 1, sessions: 1 });
    else if (step.do === 'retire') next = next.filter((candidate) => candidate.name !== step.name);
    else if (step.do === 'start-again') change(step.name, { run: 'running' });
    else if (step.do === 'wait') next = next.map(aWhileLater);
  }
  return next;
}

function aWhileLater(candidate: Candidate): Candidate {
  const running = candidate.run === 'waiting' ? 'running' : candidate.run;
  const healthy = running === 'running';
  const traffic = candidate.traffic === 'down' && healthy ? 'up' : candidate.traffic;
  return {
    ...candidate,
    run: running,
    healthy,
    healthyForMs: candidate.healthyForMs + 60,
    traffic,
    reached: candidate.reached || (candidate.member && healthy),
    drainingForMs: candidate.drainingForMs > 0 ? candidate.drainingForMs + 400 : 0,
  };
}

const anyCandidate = fc
  .record({
    number: fc.integer({ min: 1, max: 6 }),
    matches: fc.boolean(),
    run: fc.constantFrom('running' as const, 'running' as const, 'waiting' as const, 'stopped' as const, 'never-started' as const),
    healthy: fc.boolean(),
    member: fc.boolean(),
    reached: fc.boolean(),
    draining: fc.boolean(),
    sessions: fc.nat(2),
  })
  .map(({ draining, ...given }) => {
    const healthy = given.healthy && given.run === 'running';
    const traffic = !given.member ? ('out' as const) : draining ? ('draining' as const) : healthy ? ('up' as const) : ('down' as const);
    return one({
      ...given,
      healthy,
      traffic,
      healthyForMs: healthy ? 1000 : 0,
      drainingForMs: traffic === 'draining' ? 1 : 0,
      name: `${given.matches ? 'has' : 'old'}-${given.number}`,
    });
  });
const anywhere = fc.uniqueArray(anyCandidate, { maxLength: 8, selector: (candidate) => candidate.name });
const anyAim = fc.record({ wanted: fc.nat(4), maxSurge: fc.integer({ min: 1, max: 3 }) }).map((given) => ({ ...aim, ...given }));

describe('the plan, from anywhere', () => {
  it('gets to where exactly the wanted ones serve, and never takes a healthy one out of service below the wanted number', () => {
    fc.assert(
      fc.property(anyAim, anywhere, (to, from) => {
        let all: Candidate[] = from;
        for (let rounds = 0; ; rounds++) {
          expect(rounds).toBeLessThan(200);
          const steps = plan(to, all);
          if (steps[0]?.do === 'nothing') break;
          const serving = (some: readonly Candidate[]) =>
            some.filter((candidate) => candidate.healthy && candidate.traffic === 'up').length;
          const before = serving(all);
          all = carryOut(steps, all);
          if (serving(all) < before) expect(serving(all)).toBeGreaterThanOrEqual(Math.min(to.wanted, before));
        }
        expect(all).toHaveLength(to.wanted);
        expect(all.every((candidate) => candidate.matches && candidate.healthy && candidate.traffic === 'up')).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('never starts more than the surge beyond the wanted number', () => {
    fc.assert(
      fc.property(anyAim, anywhere, (to, from) => {
        const created = plan(to, from).filter((step) => step.do === 'create').length;
        const standing = from.filter(
          (candidate) => candidate.matches || (candidate.member && candidate.traffic !== 'draining' && candidate.run === 'running'),
        ).length;
        if (created > 0) expect(Math.min(standing, to.wanted + to.maxSurge) + created).toBeLessThanOrEqual(to.wanted + to.maxSurge);
      }),
      { numRuns: 3000 },
    );
  });
});
