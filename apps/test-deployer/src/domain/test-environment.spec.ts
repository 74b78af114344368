import type { ProjectFile, Release } from '@slipway/contracts';
import { aDigest, anId, aProjectFile, aRelease, aTargetFile } from '@slipway/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Asked,
  type EnvironmentState,
  emptyEnvironment,
  isKeptUntilDecided,
  isSamePlace,
  type Occupant,
  type TestDeployment,
  toRetry,
  turnOf,
} from './test-environment.js';

const asked: Asked = { by: { id: anId(), name: 'Tess' }, command: anId(), reason: 'to look at it' };

function aDeployment(over: Partial<TestDeployment> & { number?: number; release?: Release } = {}): TestDeployment {
  const { number = 1, release = aRelease({ number }), ...rest } = over;
  return {
    ...{ id: anId(), project: 'shop', environment: 'test', release, image: { repository: 'localhost:5000/shop', digest: aDigest() } },
    ...{
      provenance: { payloadType: 't', payload: '', signatures: [{ keyid: 'k', sig: 's' }] },
      builtAt: '2026-11-23T05:00:00.000Z',
      repositoryFile: null,
      authors: [],
    },
    ...{ asked: null, state: 'waiting', attempt: 0, resolved: null, checks: [], address: null, cause: null, startedAt: null },
    createdAt: '2026-11-23T05:00:00.000Z',
    ...rest,
  };
}

function anEnvironment(over: Partial<EnvironmentState> = {}): EnvironmentState {
  return { ...emptyEnvironment('shop', 'test'), ...over };
}

function occupied(release: Release, state: Occupant['state'] = 'passed'): EnvironmentState {
  return anEnvironment({ occupant: { deployment: anId(), release, state } });
}

const idle = { state: anEnvironment(), waiting: [] as TestDeployment[], running: undefined, isKept: false };

describe('whose turn it is', () => {
  it('is nobody’s while one is under way, and that one is named', () => {
    const running = aDeployment({ number: 7, state: 'verifying' });
    const turn = turnOf({ ...idle, waiting: [aDeployment({ number: 8 })], running });
    expect(turn).toMatchObject({ start: undefined, end: [], waitsFor: 'release 7 is verifying here' });
  });

  it('is the newest one’s; older ones of its line are superseded, whoever came first', () => {
    const [one, two] = [aDeployment({ number: 1 }), aDeployment({ number: 2 })];
    const turn = turnOf({ ...idle, waiting: [two, one] });
    expect(turn.start).toBe(two);
    expect(turn.end).toEqual([{ deployment: one, reason: { code: 'superseded', message: 'release 2 goes instead' } }]);
  });

  it('leaves releases of other lines waiting', () => {
    const other = aDeployment({ release: aRelease({ number: 1, ref: 'refs/heads/next' }) });
    const turn = turnOf({ ...idle, waiting: [other, aDeployment({ number: 2 })] });
    expect(turn).toMatchObject({ start: { release: { number: 2 } }, end: [] });
  });

  it('never goes backwards by itself', () => {
    const turn = turnOf({ ...idle, state: occupied(aRelease({ number: 5 })), waiting: [aDeployment({ number: 4 })] });
    expect(turn).toMatchObject({ start: undefined, end: [{ reason: { code: 'superseded' } }] });
  });

  it('is that of what a person asked for, older or not, held or not, and of what was asked for last', () => {
    const [first, last] = [aDeployment({ number: 1, asked }), aDeployment({ number: 2, asked })];
    const state = { ...occupied(aRelease({ number: 5 })), hold: { ...asked, until: null } };
    const turn = turnOf({ ...idle, state, isKept: true, waiting: [first, last, aDeployment({ number: 6 })] });
    expect(turn.start).toBe(last);
    expect(turn.end.map(({ deployment }) => deployment)).toEqual([first]);
  });

  it('comes when a hold is over, and until then the newest is known', () => {
    const state = anEnvironment({ hold: { ...asked, until: '2026-11-23T06:00:00.000Z' } });
    const turn = turnOf({ ...idle, state, waiting: [aDeployment({ number: 1 }), aDeployment({ number: 2 })] });
    expect(turn).toMatchObject({ start: undefined, waitsFor: 'held by Tess until 2026-11-23T06:00:00.000Z: to look at it' });
    expect(turn.end).toHaveLength(1);
  });

  it('comes when people have decided about the occupant that is kept', () => {
    const situation = { ...idle, state: occupied(aRelease({ number: 1 })), waiting: [aDeployment({ number: 2 })] };
    expect(turnOf({ ...situation, isKept: true })).toMatchObject({ start: undefined, waitsFor: /release 1 stays/ });
    expect(turnOf(situation).start?.release.number).toBe(2);
  });

  it('never starts one and ends it, and ends nobody whom nothing overtook', () => {
    const release = fc.record({ number: fc.integer({ min: 1, max: 9 }), line: fc.constantFrom('refs/heads/main', 'refs/heads/next') });
    const one = fc.record({ release, isAsked: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), fc.option(release), fc.boolean(), (those, occupant, isKept) => {
        const of = ({ number, line }: { number: number; line: string }) => aRelease({ number, ref: line });
        const waiting = those.map((each) => aDeployment({ release: of(each.release), asked: each.isAsked ? asked : null }));
        const turn = turnOf({ ...idle, state: occupant ? occupied(of(occupant)) : anEnvironment(), waiting, isKept });
        const ended = new Set(turn.end.map(({ deployment }) => deployment.id));
        expect(ended.size).toBe(turn.end.length);
        expect(turn.start && ended.has(turn.start.id)).toBeFalsy();
        const left = waiting.filter(({ id }) => !ended.has(id));
        if (left.length > 0 && !isKept) expect(left).toContain(turn.start);
        if (waiting.length > 0 && !occupant) expect(left.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('an occupant', () => {
  const release = aRelease();
  const fileWith = (occupancy: 'newest' | 'until-decided', after = ['test']): ProjectFile =>
    aProjectFile({
      spec: {
        environments: [
          { name: 'test', stage: 'test', target: 'lab', occupancy },
          { name: 'other', stage: 'test', target: 'lab' },
          { name: 'pre-release', stage: 'pre-release', target: 'lab', after },
        ],
      },
    });
  const file = fileWith('until-decided');
  const known = { passed: new Set(['test']), decided: new Map<string, boolean>(), isWithdrawn: false };

  it.each<[string, boolean, Parameters<typeof isKeptUntilDecided>]>([
    ['stays until it is asked about', true, [file, occupied(release), known]],
    ['stays while the request is open', true, [file, occupied(release), { ...known, decided: new Map([['pre-release', false]]) }]],
    ['goes once people have decided', false, [file, occupied(release), { ...known, decided: new Map([['pre-release', true]]) }]],
    ['goes when it was withdrawn', false, [file, occupied(release), { ...known, isWithdrawn: true }]],
    ['goes when a check said no', false, [file, occupied(release, 'failed'), known]],
    ['goes when it never came up', false, [file, occupied(release, 'broken'), known]],
    ['goes where the newest may come in', false, [fileWith('newest'), occupied(release), known]],
    ['goes where it opened nothing yet', false, [fileWith('until-decided', ['test', 'other']), occupied(release), known]],
    ['is not kept where there is none', false, [file, anEnvironment(), known]],
    ['goes where its ref leads nowhere', false, [file, occupied(aRelease({ ref: 'refs/heads/next' })), known]],
  ])('%s', (_, isKept, given) => {
    expect(isKeptUntilDecided(...given)).toBe(isKept);
  });
});

describe('a retry', () => {
  const release = aRelease();
  const attempt = (environment: string, state: TestDeployment['state']) => aDeployment({ release, environment, state });

  it('does again what last came to no good end, environment by environment', () => {
    const failed = attempt('integration', 'failed');
    expect(toRetry([attempt('test', 'failed'), attempt('test', 'passed'), failed])).toEqual({ again: [failed] });
  });

  it.each<[string, TestDeployment[]]>([
    ['release-unknown', []],
    ['under-way', [attempt('test', 'failed'), attempt('test', 'deploying')]],
    ['nothing-to-retry', [attempt('test', 'passed')]],
  ])('is refused: %s', (code, attempts) => {
    expect(toRetry(attempts)).toMatchObject({ refused: { code } });
  });
});

describe('a place', () => {
  const file = aTargetFile();
  const place = { namespace: 'default', file };

  it('is another one by target, namespace or engine, and the same with other ports', () => {
    const docker = (over: object) => ({ ...place, file: aTargetFile({ spec: { docker: { ...file.spec.docker, ...over } } }) });
    expect(isSamePlace(place, docker({ ports: '30000-30999' }))).toBe(true);
    expect(isSamePlace(place, docker({ host: 'tcp://other:2375' }))).toBe(false);
    expect(isSamePlace(place, { ...place, namespace: 'mine' })).toBe(false);
    expect(isSamePlace(place, { ...place, file: aTargetFile({ name: 'attic' }) })).toBe(false);
  });
});
