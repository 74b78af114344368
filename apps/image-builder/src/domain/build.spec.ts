import { aDigest, aProjectFile, aRelease } from '@slipway/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Build, type BuildState, born, decide, type Input } from './build.js';
import { recipeOf } from './recipe.js';

const states: BuildState[] = ['queued', 'building', 'built', 'failed', 'cancelled'];
const image = { repository: 'localhost:5000/shop', digest: aDigest('a') };
const envelope = { payloadType: 'x', payload: '', signatures: [{ keyid: 'k', sig: 's' }] };
const inputs: Record<string, Input> = {
  started: { kind: 'started' },
  built: { kind: 'built', image, built: true, seconds: 1, provenance: envelope },
  failed: { kind: 'failed', reason: { code: 'build-failed', message: 'no' }, step: null, logTail: [], seconds: 1 },
  overtaken: { kind: 'overtaken', by: 9 },
  cancel: { kind: 'cancel', reason: 'asked' },
  retry: { kind: 'retry' },
};

const detected = (changes: Partial<Parameters<typeof born>[0]> = {}): Parameters<typeof born>[0] => ({
  release: aRelease({ number: 3 }),
  projectVersion: 1,
  range: { from: null, commits: [], total: 0 },
  people: [],
  pusher: null,
  trigger: { kind: 'poll', person: null },
  repositoryFile: null,
  image: null,
  ...changes,
});
const build = (changes: Partial<Build> = {}): Build => ({ ...born(detected(), aProjectFile()), ...changes });
const outcome = (given: Build, input: Input): string => {
  const decision = decide(given, input);
  if (decision.outcome !== 'changed') return decision.outcome;
  return [decision.next.state, decision.say?.event.name, decision.work].filter(Boolean).join(' ');
};

describe('a build', () => {
  it.each([
    ['started', ['building build.started', 'unchanged', 'refused', 'refused', 'refused']],
    ['built', ['built image.built', 'built image.built', 'refused', 'refused', 'refused']],
    ['failed', ['failed build.failed', 'failed build.failed', 'refused', 'refused', 'refused']],
    ['overtaken', ['cancelled build.cancelled cancel', 'unchanged', 'unchanged', 'unchanged', 'unchanged']],
    ['cancel', ['cancelled build.cancelled cancel', 'cancelled build.cancelled cancel', 'refused', 'refused', 'refused']],
    ['retry', ['refused', 'refused', 'refused', 'queued owe', 'queued owe']],
  ])('%s, in every state', (name, expected) => {
    expect(states.map((state) => outcome(build({ state }), inputs[name] as Input))).toEqual(expected);
  });

  it.each([
    ['never', ['unchanged', 'unchanged']],
    ['queued', ['cancelled build.cancelled cancel', 'unchanged']],
    ['running', ['cancelled build.cancelled cancel', 'cancelled build.cancelled cancel']],
  ] as const)('gives way to a newer one: %s', (supersede, expected) => {
    expect((['queued', 'building'] as const).map((state) => outcome(build({ state, supersede }), { kind: 'overtaken', by: 4 }))).toEqual(
      expected,
    );
  });

  it('never gives way to an older one, and a tag to none', () => {
    expect(outcome(build({ supersede: 'running' }), { kind: 'overtaken', by: 3 })).toBe('unchanged');
    const tag = born(detected({ release: aRelease({ number: 3, kind: 'tag', ref: 'refs/tags/v1' }) }), aProjectFile());
    expect(outcome({ ...tag, supersede: 'running' }, { kind: 'overtaken', by: 9 })).toBe('unchanged');
  });

  it('counts a retry as a new attempt and says why it refuses one', () => {
    const decision = decide(build({ state: 'failed', attempt: 2 }), { kind: 'retry' });
    expect(decision).toMatchObject({ next: { attempt: 3, state: 'queued' } });
    expect(decide(build({ state: 'built' }), { kind: 'retry' })).toEqual({
      outcome: 'refused',
      reason: { code: 'build-built', message: 'release 3 has its image already' },
    });
  });

  it('is not built again when its project is gone', () => {
    const gone = { ...born(detected(), null), state: 'failed' as const };
    expect(decide(gone, { kind: 'retry' })).toMatchObject({ outcome: 'refused', reason: { code: 'project-removed' } });
  });

  it('says events that fit their contracts, however long what it is told is', () => {
    const long = fc.string({ minLength: 0, maxLength: 6000 });
    fc.assert(
      fc.property(long, fc.array(long, { maxLength: 80 }), (text, logTail) => {
        const decision = decide(build({ state: 'building' }), {
          kind: 'failed',
          reason: { code: 'x', message: text },
          step: text,
          logTail,
          seconds: 0,
        });
        if (decision.outcome !== 'changed') throw new Error('unchanged');
        decision.say?.event.data.parse(decision.say.data);
      }),
    );
  });

  it('comes to one end, whatever is heard in whatever order', () => {
    const ends = new Set<string>(['built', 'failed', 'cancelled']);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.values(inputs)), { maxLength: 30 }), (heard) => {
        let current = build();
        let said = 0;
        let retried = 0;
        for (const input of heard) {
          const decision = decide(current, input);
          if (decision.outcome !== 'changed') continue;
          if (ends.has(decision.next.state)) said++;
          if (input.kind === 'retry') retried++;
          current = decision.next;
        }
        // One end for each attempt that was begun, but for the last, which may still be open.
        expect(said).toBe(retried + (ends.has(current.state) ? 1 : 0));
        expect(current.attempt).toBe(retried + 1);
      }),
    );
  });
});

describe('the recipe of a build', () => {
  it('is the project file, to which the repository adds and which it never loosens', () => {
    const file = aProjectFile({ spec: { build: { docker: { args: { A: 'project' }, timeout: '10m', target: 'run' } } } });
    const docker = { context: 'web', args: { A: 'mine', B: 'mine' }, timeout: '20m' };
    const recipe = recipeOf(file, { apiVersion: 'slipway.dev/v1', kind: 'Repository', build: { docker }, verify: [] });
    expect(recipe).toMatchObject({
      context: 'web',
      dockerfile: 'Dockerfile',
      target: 'run',
      args: { A: 'project', B: 'mine' },
      timeout: 600,
    });
    const shorter = recipeOf(file, { apiVersion: 'slipway.dev/v1', kind: 'Repository', build: { docker: { timeout: '1m' } }, verify: [] });
    expect(shorter.timeout).toBe(60);
  });
});
