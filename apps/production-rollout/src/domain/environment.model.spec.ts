import { goesBackwards } from '@slipway/release';
import { aDigest, anId, aRelease, Broken, brokenBy, canonical, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import {
  commanded,
  type EnvironmentState,
  emptyEnvironment,
  goBackTo,
  lastGoodOf,
  type Past,
  type Rollout,
  standingOf,
  type Turn,
  turnOf,
} from './environment.js';
import { barredAfter, emptied, restored, settled } from './outcome.js';

/** An environment, at every moment later than the one before, and what was withdrawn. */
interface State {
  readonly environment: EnvironmentState;
  readonly withdrawn: readonly string[];
  readonly moment: number;
}

type Turning = typeof turnOf;

const envelope = { payloadType: 't', payload: '', signatures: [{ keyid: 'k', sig: 's' }] };
const at = (moment: number) => new Date(Date.UTC(2026, 10, 23) + moment * 1000).toISOString();
/** Two of one line, of which the second may be an ancestor's tag, and one of another line. */
const one = aRelease({ number: 1 });
const two = aRelease({ number: 2 });
const other = aRelease({ number: 3, ref: 'refs/heads/next' });
const tag = aRelease({ number: 4, kind: 'tag', ancestorOf: [1, 2] });
const releases = [one, two, other, tag];

function aRollout(release: (typeof releases)[number], over: Partial<Rollout> = {}): Rollout {
  const id = anId();
  const grant = {
    id: anId(),
    request: anId(),
    asks: '',
    issuedAt: at(0),
    envelope,
    provenance: envelope,
    verdict: envelope,
    heardAt: at(0),
  };
  const deployment = { release: { id: release.id }, image: { repository: 'r', digest: aDigest('a') } } as unknown as Rollout['deployment'];
  const rest = {
    kind: 'rollout',
    project: 'shop',
    environment: 'production',
    state: 'waiting',
    attempt: 1,
    asked: null,
    authors: [],
  } as const;
  return { id, ...rest, release, deployment, grant, createdAt: at(0), startedAt: null, ...over };
}

/** What may wait: of every release what was granted long ago, what was granted just now, and a rollback to it. */
const granted = releases.map((release) => aRollout(release));
const backs = releases.map((release) => aRollout(release, { kind: 'rollback' }));

const anew = granted.map((rollout) => ({ ...rollout, id: anId(), grant: { ...rollout.grant, id: anId(), issuedAt: at(99) } }));

function* queues(): Iterable<readonly Rollout[]> {
  const all = [...granted, ...anew, ...backs];
  yield [];
  for (const first of all) {
    yield [first];
    // Which came first is read of rollbacks only.
    for (const second of all)
      if (second !== first && (all.indexOf(second) > all.indexOf(first) || first.kind === 'rollback')) yield [first, second];
  }
  for (const first of granted.slice(0, 2)) for (const second of anew) for (const third of backs.slice(0, 2)) yield [third, second, first];
}

function worldOf(turning: Turning = turnOf): World<State> {
  const judged = new Set<string>();
  return {
    starts: { 'nothing ever ran': { environment: emptyEnvironment('shop', 'production'), withdrawn: [], moment: 1 } },
    key: ({ environment, withdrawn }) => keyOf(environment, withdrawn),
    *moves(state): Iterable<Move<State>> {
      const { environment, withdrawn, moment } = state;
      if (moment > 3) return;
      const gone = new Set(withdrawn);
      const next = (after: EnvironmentState) => () => ({ ...state, environment: after, moment: moment + 1 });
      for (const release of releases) {
        const rollout = aRollout(release, { grant: { ...(granted[0] as Rollout).grant, issuedAt: at(moment) } });
        if (turnOf(environment, [rollout], false, gone).start) {
          yield [`release ${release.number} is good`, next(settled(environment, rollout, at(moment)))];
          yield [
            `release ${release.number} fails and stays`,
            next({ ...barredAfter(environment, release.number, at(moment)), heldBy: rollout.id }),
          ];
          const good = lastGoodOf(environment, gone);
          const bars = barredAfter(environment, release.number, at(moment));
          yield good
            ? [
                `release ${release.number} fails, back to ${good.release.number}`,
                next(restored(bars, standingOf(good, aRollout(good.release)), at(moment))),
              ]
            : [`release ${release.number} fails and is removed`, next(emptied(bars, at(moment)))];
        }
        const back = goBackTo(environment, release.number, gone);
        if (back)
          yield [`back to release ${release.number}`, next(settled(environment, aRollout(release, { kind: 'rollback' }), at(moment)))];
        if (!gone.has(release.id) && gone.size === 0)
          yield [`release ${release.number} is withdrawn`, () => ({ ...state, withdrawn: [release.id] })];
      }
    },
    always: {
      'whose turn it is, whatever waits': ({ environment, withdrawn }) => {
        // All that a turn hangs on, besides what waits: every grant here is from before all bars, or from after them.
        const key = JSON.stringify([
          environment.running?.release.number,
          environment.barred.map(({ number }) => `${number}`).sort(),
          withdrawn,
        ]);
        if (judged.size === judged.add(key).size) return true;
        for (const waiting of queues()) for (const busy of [false, true]) judge(turning, environment, waiting, busy, new Set(withdrawn));
        return true;
      },
      'what runs was good here, and is not barred': ({ environment: { running, history, barred, heldBy } }) =>
        !running ||
        (history.some((each) => each.rollout === running.rollout) &&
          (heldBy !== null || !barred.some(({ number }) => number === running.release.number))),
      'no release was good twice, none is barred twice': ({ environment: { history, barred } }) =>
        new Set(history.map(({ release }) => release.id)).size === history.length &&
        new Set(barred.map(({ number }) => number)).size === barred.length,
      'it never goes back to what was withdrawn, nor by itself to what was barred or stands there': ({ environment, withdrawn }) => {
        const gone = new Set(withdrawn);
        const [back, last] = [goBackTo(environment, null, gone), lastGoodOf(environment, gone)];
        if ([back, last].some((each) => each && gone.has(each.release.id))) return false;
        if (environment.heldBy === null && back && back.release.id === environment.running?.release.id) return false;
        return !back || !environment.barred.some(({ number }) => number === back.release.number);
      },
      'the last command of each kind is the one that counts': ({ environment }) => {
        const late = commanded(environment, 'scale', at(9));
        return late !== null && commanded(late, 'scale', at(8)) === null && commanded(late, 'rollback', at(8)) !== null;
      },
    },
  };
}

/** Promises 2 and 4 of every queue: who is let in was signed off since it was barred, and does not go backwards but by a rollback. */
function judge(
  turning: Turning,
  environment: EnvironmentState,
  waiting: readonly Rollout[],
  busy: boolean,
  gone: ReadonlySet<string>,
): void {
  const { start, end }: Turn = turning(environment, waiting, busy, gone);
  const { running, barred } = environment;
  const ended = new Set(end.map(({ rollout }) => rollout.id));
  const fail = (why: string) => {
    const names = waiting.map(({ kind, release, grant }) => `${kind} of ${release.number} granted at ${grant.issuedAt}`);
    throw new Broken(why, [], `waiting: ${names.join(', ')}; begins: ${start?.release.number}`, null);
  };
  if (ended.size !== end.length || (start && ended.has(start.id))) fail('nothing ends twice, or begins and ends');
  if (start && busy) fail('one at a time');
  const left = waiting.filter(({ id }) => !ended.has(id));
  if (!busy && left.length > 0 && !start) fail('somebody begins where somebody is left');
  if (end.some(({ rollout }) => !waiting.some(({ id }) => id === rollout.id))) fail('nothing ends that does not wait');
  if (start && left.some(({ kind }) => kind === 'rollback') && start.kind !== 'rollback') fail('a rollback goes before all');
  if (!start) return;
  if (gone.has(start.release.id)) fail('what was withdrawn never begins');
  if (start.kind === 'rollback') return;
  if (goesBackwards(running?.release ?? null, start.release)) fail('never backwards but by a rollback');
  const bar = barred.find(({ number }) => number === start.release.number);
  if (bar && start.grant.issuedAt <= bar.at) fail('what was rolled back from is signed off anew');
  if (
    left.some(
      (each) =>
        each.kind === 'rollout' && goesBackwards(start.release, each.release) === false && goesBackwards(each.release, start.release),
    )
  )
    fail('the newest goes');
}

function keyOf({ running, history, barred, heldBy }: EnvironmentState, withdrawn: readonly string[]): string {
  const standing = (each: Past | null) => each?.release.number;
  const gone = releases.filter(({ id }) => withdrawn.includes(id)).map(({ number }) => number);
  return canonical([standing(running), history.map(standing), barred, heldBy !== null, gone]);
}

const mostStates = 3000;

describe('every environment and everything that can wait for it', () => {
  it('lets in one at a time, nothing backwards, barred or withdrawn, and nobody waits for nothing', async () => {
    await explore(worldOf(), { atMost: mostStates, atLeast: { states: 1000, edges: 3000 } });
  }, 120_000);

  it.each<[string, Turning, RegExp, string[]]>([
    ['lets an older one in', (state, ...rest) => turnOf({ ...state, running: null }, ...rest), /never backwards/, ['release 1 is good']],
    [
      'forgets what was barred',
      (state, ...rest) => turnOf({ ...state, barred: [] }, ...rest),
      /signed off anew/,
      ['release 1 fails and stays'],
    ],
    [
      'forgets what was withdrawn',
      (state, all, busy) => turnOf(state, all, busy, new Set()),
      /withdrawn never/,
      ['release 1 is withdrawn'],
    ],
    ['begins two at a time', (state, all, _, gone) => turnOf(state, all, false, gone), /one at a time/, []],
  ])('has teeth: a core that %s', async (_, turning, promise, story) => {
    const broken = await brokenBy(worldOf(turning), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(1)).toEqual(story);
  });
});
