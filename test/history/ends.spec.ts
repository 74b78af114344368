import {
  BuildCancelled,
  BuildFailed,
  DeploymentFailed,
  ProjectApplied,
  RolloutAborted,
  RolloutRolledBack,
  VerificationFailed,
} from '@slipway/contracts';
import { aKeyRing, anId, aProjectFile, type TestKeyRing } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aGoodHistory } from './a-good-history.js';
import { type End, releaseEnds } from './ends.js';
import type { History, SeenPush } from './history.js';
import type { Line, Scribe } from './scribe.js';
import type { Good } from './teller.js';

let keys: TestKeyRing;

beforeAll(async () => {
  keys = await aKeyRing();
});
afterAll(() => keys.drop());

/** What else is said of a release at the very end. */
interface More {
  readonly event: Line['event'];
  readonly writer: Line['writer'];
  readonly of: 'one' | 'two';
  /** Where it is not said of the release. */
  readonly subject?: string;
  readonly data: object | ((good: Good) => object);
}

const failed = { attempt: 1, evidence: [], authors: [] };
const deployment = { ...failed, environment: 'test', deployment: anId() };
const superseded = { code: 'superseded', message: 'a newer one goes instead' };
const notDeployed = (of: More['of'], reason: { code: string; message: string }): More => ({
  ...{ event: DeploymentFailed, writer: 'test-deployer', of },
  data: { ...deployment, reason },
});

/** A good history with something more said, and of commits that are like this; of what its repository has this was made. */
async function ends(
  more: More[],
  turns: Partial<Record<1 | 2, SeenPush['turn']>> = { 1: 'good', 2: 'good' },
  madeOf: (repository: History['repositories'][number]) => History['repositories'][number] = (repository) => repository,
): Promise<End[]> {
  const history = await aGoodHistory(keys, {
    back: 'never',
    more: (good: Good, scribe: Scribe) => {
      for (const [index, { event, writer, of, data, subject = good[of].id }] of more.entries())
        scribe.say({
          key: `more ${index}`,
          writer,
          event,
          subject,
          at: good.line('rollout.ended 2').at + 100,
          data: { release: good[of], ...(typeof data === 'function' ? data(good) : data) },
        });
    },
  });
  const pushes = history.seen.filter(({ kind }) => kind === 'push');
  const seen = history.seen.map((each) => {
    const turn = turns[(pushes.indexOf(each) + 1) as 1 | 2];
    return each.kind === 'push' && turn !== undefined ? { ...each, turn } : each;
  });
  return releaseEnds({ ...history, seen, repositories: history.repositories.map(madeOf) });
}

describe('what releases came to', () => {
  it('is told by what was said last', async () => {
    expect((await ends([])).map(({ end, wrong, turn }) => ({ end, wrong, turn }))).toEqual([
      { end: 'live in production', wrong: [], turn: 'good' },
      { end: 'live in production', wrong: [], turn: 'good' },
    ]);
  });

  it('is right where a newer release overtook it, and wrong where none was there', async () => {
    const [one, two] = await ends([notDeployed('one', superseded), notDeployed('two', superseded)]);
    expect(one).toMatchObject({ end: 'given up before test: superseded', wrong: [] });
    expect(two?.wrong).toEqual([expect.stringMatching(/nothing newer was there: superseded \(deployment\.failed/)]);
  });

  it('is right where what overtook it is of a newer commit, whatever its number', async () => {
    const backwards = ({ commits, ...repository }: History['repositories'][number]) => ({
      ...repository,
      commits: commits.map((commit, index) => ({
        ...commit,
        parents: commits.slice(index + 1, index + 2).map(({ revision }) => revision),
      })),
    });
    const [, two] = await ends([notDeployed('two', superseded)], undefined, backwards);
    expect(two).toMatchObject({ end: 'given up before test: superseded', wrong: [] });
  });

  it.each<[string, More, RegExp]>([
    [
      'did not become healthy',
      notDeployed('one', { code: 'never-healthy', message: 'no answer' }),
      /did not become healthy in test, and is: no answer/,
    ],
    [
      'was given up though nobody asked',
      {
        event: BuildCancelled,
        writer: 'image-builder',
        of: 'one',
        data: { reason: { code: 'cancelled', message: '' }, supersededBy: null },
      },
      /nobody asked for it/,
    ],
    [
      'was not built',
      {
        ...{ event: BuildFailed, writer: 'image-builder', of: 'one' },
        data: { ...failed, reason: { code: 'build-failed', message: 'no space' }, step: null, logTail: [], seconds: 1 },
      },
      /its build failed, and nothing is wrong with it: no space/,
    ],
    [
      'was not verified',
      {
        ...{ event: VerificationFailed, writer: 'test-deployer', of: 'one' },
        data: {
          ...{ environment: 'test', deployment: anId(), address: '', seconds: 1, authors: [] },
          image: { repository: 'shop', digest: `sha256:${'0'.repeat(64)}` },
          evidence: [{ check: '/', outcome: 'failed', message: 'no answer', seconds: 1 }],
        },
      },
      /was not verified in test: no answer/,
    ],
  ])('is wrong where a good commit %s', async (_, more, why) => {
    const [one] = await ends([more]);
    expect(one?.wrong).toEqual([expect.stringMatching(why)]);
  });

  const wentBack = (by: object | null): More => ({
    ...{ event: RolloutRolledBack, writer: 'production-rollout', of: 'one' },
    data: ({ two }) => ({
      ...{ rollout: anId(), kind: 'rollback', environment: 'production', stage: 'production', from: two, address: '', seconds: 1, by },
      image: { repository: 'shop', digest: `sha256:${'0'.repeat(64)}` },
      reason: { code: 'never-healthy', message: 'no answer' },
    }),
  });

  it('is right where a person went back from it, and wrong where nobody did and it is good', async () => {
    const [, asked] = await ends([wentBack({ id: anId(), name: 'Otto Operator' })]);
    expect(asked).toMatchObject({ end: 'rolled back from production', wrong: [] });
    const [, alone] = await ends([wentBack(null)]);
    expect(alone?.wrong).toEqual([expect.stringMatching(/rolled back from production, nobody asked for that, and it is good: no answer/)]);
    const [, bad] = await ends([wentBack(null)], { 1: 'good', 2: 'does not roll out' });
    expect(bad?.wrong).toEqual([expect.stringMatching(/went live in production/)]);
  });

  it('is right where its project was changed before its rollout began, and wrong where nobody did that', async () => {
    const aborted: More = {
      ...{ event: RolloutAborted, writer: 'production-rollout', of: 'two' },
      data: {
        ...{ rollout: anId(), request: anId(), kind: 'rollout', environment: 'production', supersededBy: null },
        reason: { code: 'changed', message: 'env.CHANGES' },
      },
    };
    const applied: More = {
      ...{ event: ProjectApplied, writer: 'gateway', of: 'one', subject: 'shop' },
      data: { project: 'shop', version: 2, file: aProjectFile(), by: { id: anId(), name: 'Ada Administrator' }, reason: '' },
    };
    const [, changed] = await ends([applied, aborted]);
    expect(changed).toMatchObject({ end: 'rollout given up in production: changed', wrong: [] });
    const [, alone] = await ends([aborted]);
    expect(alone?.wrong).toEqual([expect.stringMatching(/nobody asked for it to be given up, and nothing newer was there: changed/)]);
  });

  it.each<[SeenPush['turn'], RegExp]>([
    ['does not build', /was built, and cannot be/],
    ['is not verified', /was verified in test/],
    ['does not roll out', /went live in production/],
  ])('is wrong where a commit that %s passes', async (turn, why) => {
    const [one] = await ends([], { 1: turn });
    expect(one?.wrong).toEqual([expect.stringMatching(why)]);
  });
});
