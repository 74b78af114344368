import { ApprovalVoided, DeploymentStarted, ImageBuilt, RolloutStarted, RolloutSucceeded } from '@slipway/contracts';
import { aDigest, aKeyRing, anId, type TestKeyRing } from '@slipway/testkit';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { beside, expectBroken, madeAs, otherwise, rows, type Way } from './ways-of-breaking.js';

let keys: TestKeyRing;

beforeAll(async () => {
  keys = await aKeyRing();
});
afterAll(() => keys.drop());

const ways: Readonly<Record<number, readonly Way[]>> = {
  2: [
    {
      how: 'Docker was asked for an instance that no intent was written for',
      twist: {
        made: (made) => [
          ...made,
          { ...madeAs(made, 'production back 1'), at: madeAs(made, 'production back 1').at + 90_000, attempt: 9, key: 'forged' },
        ],
      },
      release: 'one',
      says: /no intent by a grant/,
    },
    {
      how: 'it began after its grant was voided',
      twist: {
        more: ({ two, requests }, scribe) => {
          const granted = scribe.lines.find(({ key }) => key === 'approval.granted 2');
          const data = {
            request: requests['2'],
            release: two,
            environment: 'production',
            reason: { code: 'changed', message: 'the policy changed' },
            changed: ['policy'],
          };
          scribe.say({ key: 'voided', writer: 'approval', event: ApprovalVoided, subject: two.id, at: (granted?.at ?? 0) + 1000, data });
        },
      },
      release: 'two',
      says: /after its grant had ended/,
    },
    {
      how: 'its sign-off proves nobody',
      twist: { signOffsBy: 'approval' },
      release: 'two',
      says: /proves nobody/,
    },
    {
      how: 'its sign-off was for another request',
      twist: { sealed: { 'sign-off 2': (claims) => ({ ...claims, request: anId() }) } },
      release: 'two',
      says: /is for another request/,
    },
    {
      how: 'its grant had expired',
      twist: { sealed: { 'grant 2': (statement) => ({ ...statement, notAfter: statement.issuedAt }) } },
      release: 'two',
      says: /after its grant had expired/,
    },
    {
      how: 'it runs with other settings than were signed for',
      twist: { made: (made) => otherwise(made, 'production 2 1', { env: { GREETING: 'goodbye' } }) },
      release: 'two',
      says: /variables GREETING that are not those let in/,
    },
    {
      how: 'nobody asked for the rollback',
      twist: { data: { 'command.issued': () => undefined } },
      release: 'one',
      says: /was asked for by nobody/,
    },
    {
      how: 'one sign-off let two rollouts in',
      twist: {
        back: 'never',
        more: (good, scribe) => {
          const rollout = anId();
          for (const [key, event] of [
            ['rollout.started 2', RolloutStarted],
            ['rollout.ended 2', RolloutSucceeded],
          ] as const) {
            const there = good.line(key);
            beside(good, scribe, key, {
              event,
              at: there.at + 10_000,
              data: { ...(there.data as object), rollout, ...(event === RolloutStarted && { attempt: 3 }) },
            });
          }
        },
      },
      release: 'two',
      says: /let in 2 rollouts/,
    },
  ],
  3: [
    {
      how: 'an instance was stopped and made again for no reason',
      twist: {
        made: (made) => {
          const first = madeAs(made, 'production back 1');
          return [...otherwise(made, first.key, { until: first.at + 40_000 }), { ...first, key: 'again', at: first.at + 41_000 }];
        },
      },
      release: 'one',
      says: /was stopped and made again, and nothing says why/,
    },
    {
      how: 'two workers each made all instances',
      twist: { made: (made) => [...made, { ...madeAs(made, 'production back 2'), key: 'third', number: 3 }] },
      release: 'one',
      says: /3 instances of attempt 3 stood in shop\/production at once, and 2 were asked for/,
    },
    {
      how: 'an attempt began twice',
      twist: {
        more: (good, scribe) =>
          beside(good, scribe, 'deployment.started 2', {
            event: DeploymentStarted,
            at: good.line('deployment.started 2').at + 100,
            data: { ...(good.line('deployment.started 2').data as object), deployment: anId() },
          }),
      },
      release: 'two',
      says: /attempt 1 in \S+ began 2 times/,
    },
  ],
  4: [
    {
      how: 'an older release was rolled out over a newer one',
      twist: { back: 'rollout' },
      release: 'one',
      says: /release 1 was rolled out over release 2/,
    },
    {
      how: 'a worker that had slept brought back what was replaced',
      twist: {
        made: (made) => [...made, { ...madeAs(made, 'production 2 1'), key: 'late', at: madeAs(made, 'production back 1').at + 60_000 }],
      },
      release: 'two',
      says: /attempt 2 of release 2 was made again in shop\/production, where release 1 stood/,
    },
    {
      how: 'a release is said to be part of one that does not contain it',
      twist: { data: { 'commit.detected 2': (data) => ({ ...data, release: { ...data.release, ancestorOf: [1] } }) } },
      release: 'two',
      says: /is said to be part of release 1, which the repository denies/,
    },
  ],
  5: [
    {
      how: 'another image was tested than was built',
      twist: { data: { 'verification.passed 2': (data) => ({ ...data, image: { ...data.image, digest: aDigest('another') } }) } },
      release: 'two',
      says: /verification\.passed names sha256/,
    },
    {
      how: 'a tag was deployed',
      twist: { made: (made) => otherwise(made, 'test 2', { from: 'localhost:5000/shop:latest' }) },
      release: 'two',
      says: /which is no digest/,
    },
    {
      how: 'the registry lost what was approved',
      after: (history) => ({ ...history, registry: { ...history.registry, manifests: history.registry.manifests.slice(0, 1) } }),
      release: 'two',
      says: /the registry does not have/,
    },
    {
      how: 'nothing proves that the image was tested',
      twist: { sealed: { 'verdict 2': (statement) => ({ ...statement, release: anId() }) } },
      release: 'two',
      says: /without a test of that image/,
    },
  ],
  9: [
    {
      how: 'an overtaken worker made an instance after its successor',
      twist: { made: (made) => otherwise(otherwise(made, 'production back 1', { epoch: 2 }), 'production back 2', { epoch: 1 }) },
      after: (history) => rows(history, 'production-rollout', 'operation', (all) => all.map((row) => ({ ...row, epoch: 2 }))),
      release: 'one',
      says: /was made with epoch 1 after something was made with epoch 2/,
    },
    {
      how: 'an epoch was used that nobody gave out',
      twist: { made: (made) => otherwise(made, 'test 2', { epoch: 7 }) },
      release: 'two',
      says: /made with epoch 7, and/,
    },
    {
      how: 'an overtaken worker told an end that was told before',
      twist: {
        more: (good, scribe) => beside(good, scribe, 'image.built 2', { event: ImageBuilt, at: good.line('image.built 2').at + 100 }),
      },
      release: 'two',
      says: /a build ended 2 times/,
    },
  ],
};

describe.each(Object.entries(ways).map(([promise, of]) => ({ promise: Number(promise), of })))(
  'promise $promise is found broken',
  ({ promise, of }) => {
    it.each(of.map((way) => ({ ...way })))('where $how', async (way) => {
      await expectBroken(keys, promise, way);
    });
  },
);
