import { BuildCancelled, type EventDefinition, ImageBuilt } from '@slipway/contracts';
import { aDigest, aProjectFile, aRelease, Broken, brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Build, born, type Decision, decide, type Input } from './build.js';

/** A build, and what was said of it: the world hears no more than that. */
interface State {
  readonly build: Build;
  readonly said: readonly string[];
  readonly owed: readonly number[];
}

type Deciding = (build: Build, input: Input) => Decision;

const repository = 'localhost:5000/shop';
const provenance = { payloadType: 'x', payload: 'e30=', signatures: [{ keyid: 'k', sig: 's' }] };
const mostAttempts = 3;

const inputs: Readonly<Record<string, Input>> = {
  started: { kind: 'started' },
  'built as one image': { kind: 'built', image: { repository, digest: aDigest('one') }, built: true, seconds: 1, provenance },
  'built as another image': { kind: 'built', image: { repository, digest: aDigest('other') }, built: true, seconds: 2, provenance },
  'taken from a twin': { kind: 'built', image: { repository, digest: aDigest('one') }, built: false, seconds: 0, provenance },
  failed: { kind: 'failed', reason: { code: 'build-failed', message: 'no' }, step: 'RUN false', logTail: ['no'], seconds: 1 },
  'overtaken by an older one': { kind: 'overtaken', by: 1 },
  'overtaken by itself': { kind: 'overtaken', by: 3 },
  'overtaken by a newer one': { kind: 'overtaken', by: 4 },
  cancel: { kind: 'cancel', reason: 'not wanted' },
  'cancel without a word': { kind: 'cancel', reason: '' },
  retry: { kind: 'retry' },
};

function starts(): Record<string, State> {
  const all: Record<string, State> = {};
  for (const kind of ['commit', 'tag', 'image', 'configuration'] as const)
    for (const supersede of ['never', 'queued', 'running'] as const)
      for (const file of ['a file', 'no file'] as const) {
        const release = aRelease({ number: 3, kind });
        const detected = { release, projectVersion: 1, people: [], repositoryFile: null, image: null };
        const build = { ...born(detected as unknown as Parameters<typeof born>[0], file === 'a file' ? aProjectFile() : null), supersede };
        all[`a ${kind} is born with ${file}, supersede: ${supersede}`] = { build, said: [], owed: [1] };
      }
  return all;
}

function worldOf(deciding: Deciding = decide): World<State> {
  return {
    starts: starts(),
    *moves(state): Iterable<Move<State>> {
      for (const [name, input] of Object.entries(inputs))
        if (input.kind !== 'retry' || state.build.attempt < mostAttempts) yield [name, () => after(state, deciding(state.build, input))];
    },
    always: {
      'an image is known exactly when it was built': ({ build }) => (build.image !== null) === (build.state === 'built'),
      'work is owed for every attempt, once': ({ build, owed }) => owed.join() === [1, 2, 3].slice(0, build.attempt).join(),
      'one image is said, at most once, and nothing after it': ({ said }) =>
        said.filter((name) => name === ImageBuilt.name).length <= 1 && said.slice(0, -1).every((name) => name !== ImageBuilt.name),
      'no attempt is called off twice': ({ said, build }) => said.filter((name) => name === BuildCancelled.name).length <= build.attempt,
    },
    steps: {
      'what has its image keeps it': ({ build: before }, { build: now }) => before.state !== 'built' || now === before,
      'a tag gives way to nothing, and nothing to what is older': ({ build: before }, { build: now }, does) =>
        before === now || !does.startsWith('overtaken') || (before.release.kind === 'commit' && does.endsWith('newer one')),
      'only a retry begins anew, from an end without an image': ({ build: before }, { build: now }, does) =>
        now.attempt === before.attempt ||
        (does === 'retry' && now.attempt === before.attempt + 1 && (before.state === 'failed' || before.state === 'cancelled')),
      'an end is said': ({ build: before, said }, { build: now, said: after }) =>
        now.state === before.state || now.state === 'queued' || after.length === said.length + 1,
    },
    reaches: {
      'it comes to an end': ({ build }) => build.state !== 'queued' && build.state !== 'building',
    },
  };
}

function after(state: State, decision: Decision): State {
  if (decision.outcome !== 'changed') return state;
  const { next, say, work } = decision;
  if (say) mustFit(say);
  return {
    build: next,
    said: say ? [...state.said, say.event.name] : state.said,
    owed: work === 'owe' ? [...state.owed, next.attempt] : state.owed,
  };
}

/** What cannot be published would leave the release where it is for ever. */
function mustFit({ event, data }: { event: EventDefinition; data: unknown }): void {
  const fits = event.data.safeParse(data);
  if (!fits.success) throw new Broken('what is said keeps its contract', [], fits.error.message, data);
}

describe('every build against everything that can happen to it', () => {
  it('keeps its one image, says each end once, and never stops for good before an end', async () => {
    await explore(worldOf(), { atMost: 3000, atLeast: { states: 1000, edges: 10_000 } });
  });

  it.each<[string, Deciding, RegExp, string[]]>([
    [
      'a late image that is still taken',
      (build, input) => decide(input.kind === 'built' ? { ...build, state: 'building' } : build, input),
      /what has its image keeps it|one image is said/,
      ['built as one image', 'built as one image'],
    ],
    [
      'a tag that gives way',
      (build, input) => decide(input.kind === 'overtaken' ? { ...build, release: { ...build.release, kind: 'commit' } } : build, input),
      /a tag gives way to nothing/,
      ['overtaken by a newer one'],
    ],
    [
      'a retry of what is under way',
      (build, input) => decide(input.kind === 'retry' ? { ...build, state: 'failed' } : build, input),
      /only a retry begins anew/,
      ['retry'],
    ],
  ])('has teeth: %s', async (_, deciding, promise, story) => {
    const broken = await brokenBy(worldOf(deciding), 3000);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(1)).toEqual(story);
  });
});
