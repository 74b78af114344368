import { type EnvironmentState, type ReleaseState, waitingFor } from '@slipway/release';
import { aDigest, anId, aProjectFile, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { requestOf } from '../gateway.fixture.js';
import { openPhases, stuckSince } from './stuck.js';

const now = '2026-11-23T06:00:00.000Z';
const minutesAgo = (minutes: number) => new Date(Date.parse(now) - minutes * 60_000).toISOString();
const release = aRelease();
const image = { repository: 'localhost:5000/shop', digest: aDigest(release.id) };
const person = { id: anId(), name: 'Tess' };

function at(environment: string, status: EnvironmentState['status'], change: Partial<EnvironmentState> = {}): EnvironmentState {
  const stage = environment === 'test' ? ('test' as const) : ('pre-release' as const);
  const rest = { address: null, request: null, rollout: null, progress: null, reason: null, replacedBy: null };
  return { environment, stage, status, since: minutesAgo(60), runs: true, image, ...rest, ...change };
}

/** A release that has not moved for eleven minutes, unless said otherwise, by a file of yesterday. */
function since(
  environments: EnvironmentState[],
  change: { file?: ReturnType<typeof aProjectFile>; moved?: number; applied?: number; newest?: boolean; taken?: string[] } = {},
) {
  const { file = aProjectFile(), moved = 11, applied = 1440, newest = true, taken = [] } = change;
  const state: ReleaseState = {
    release,
    phase: 'testing',
    build: { status: 'built', attempt: 1, since: minutesAgo(60), reason: null },
    image,
    authors: [],
    withdrawn: null,
    environments,
    since: minutesAgo(60),
    updatedAt: minutesAgo(moved),
  };
  const waits = waitingFor(state, { file, people: [], now });
  return stuckSince(waits, {
    state,
    file,
    newest,
    now,
    changedAt: minutesAgo(moved),
    appliedAt: minutesAgo(applied),
    taken: new Set(taken),
  });
}

describe('a release is stuck', () => {
  it.each([
    ['nobody builds or deploys it', []],
    ['it is being deployed', [at('test', 'deploying')]],
    ['it has passed test and nobody asks for it', [at('test', 'passed')]],
    ['it is live in pre-release and nobody asks for production', [at('test', 'passed'), at('pre-release', 'live')]],
    ['it is granted and does not roll out', [at('test', 'passed'), at('pre-release', 'granted')]],
  ])('where %s for ten minutes', (_, environments) => {
    expect(since(environments)).toBe(minutesAgo(11));
    expect(since(environments, { moved: 9 })).toBeUndefined();
  });

  it('where all have signed off and no grant comes, ten minutes after its soak', () => {
    const signed = { ...requestOf(release, []), require: [], approvals: [{ person, via: 'http' as const, comment: '', at: now }] };
    const asked = (soakUntil: string | null) => [
      at('test', 'passed'),
      at('pre-release', 'awaiting-approval', {
        request: {
          ...signed,
          deployment: { ...signed.deployment, policy: { ...signed.deployment.policy, require: [] } },
          soakUntil,
        } as never,
      }),
    ];
    expect(since(asked(null))).toBe(minutesAgo(11));
    expect(since(asked(minutesAgo(1)))).toBeUndefined();
    expect(since(asked(minutesAgo(12)), { moved: 60 })).toBe(minutesAgo(12));
  });

  it('not where it waits for people', () => {
    const request = { ...requestOf(release, []), approvals: [] };
    expect(since([at('test', 'passed'), at('pre-release', 'awaiting-approval', { request })], { moved: 5000 })).toBeUndefined();
  });

  it('not where a file has only now opened the way, nor where it opened it for newer ones', () => {
    expect(since([at('test', 'passed')], { moved: 5000, applied: 5 })).toBeUndefined();
    expect(since([at('test', 'passed')], { moved: 5000, applied: 60, newest: false })).toBeUndefined();
    expect(since([at('test', 'passed')], { moved: 5000, applied: 60 })).toBe(minutesAgo(60));
  });

  it('not while people decide about what has the test environment', () => {
    const [test, ...others] = aProjectFile().spec.environments;
    const kept = aProjectFile({ spec: { environments: [{ ...test, occupancy: 'until-decided' }, ...others] as never } });
    expect(since([], { file: kept, taken: ['test'] })).toBeUndefined();
    expect(since([], { file: kept })).toBe(minutesAgo(11));
    expect(since([], { taken: ['test'] })).toBe(minutesAgo(11));
  });

  it('is looked for wherever a release is not at its end', () => {
    expect(openPhases).toEqual(expect.arrayContaining(['passed', 'live', 'awaiting-approval', 'testing']));
  });
});
