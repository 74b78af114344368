import {
  BuildCancelled,
  BuildFailed,
  CommandIssued,
  DeploymentStarted,
  ImageBuilt,
  RolloutStarted,
  RolloutSucceeded,
} from '@slipway/contracts';
import { aDigest, anId, aRevision } from '@slipway/testkit';
import { beside, eachIsFound, madeAs, otherwise, rows, type Way } from './ways-of-breaking.js';

/** The first one's commit was made on the second one's. */
const olderThanItsNumber: NonNullable<Way['twist']>['commit'] = {
  1: (commit) => ({ ...commit, parents: [aRevision('2')] }),
  2: (commit) => ({ ...commit, parents: [] }),
};

eachIsFound({
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
      how: 'the same, and each of the two was called otherwise when it was to go',
      twist: {
        made: (made) => {
          const first = madeAs(made, 'production back 1');
          return [...otherwise(made, first.key, { until: first.at + 40_000 }), { ...first, key: 'again', at: first.at + 41_000 }];
        },
      },
      after: (history) => {
        const containers = history.docker.containers.map((each) => ({ ...each, there: false, name: `${each.name}.leaving.${each.id}` }));
        return { ...history, docker: { ...history.docker, containers } };
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
      how: 'a third was made where people had scaled to two, again and again',
      twist: {
        made: (made) => [...made, { ...madeAs(made, 'production back 2'), key: 'third', number: 3 }],
        more: ({ line, otto }, scribe) => {
          const { at } = line('rollout.started back');
          const action = { kind: 'environment.scale', project: 'shop', environment: 'production', instances: 2 };
          const by = { person: { id: otto, name: 'Otto Operator' }, role: 'operator', reason: 'so many come' };
          for (const [nth, command] of [anId(), anId(), anId()].entries()) {
            const data = { command, service: 'production-rollout', action, ...by };
            scribe.say({ key: 'scale', writer: 'gateway', event: CommandIssued, subject: 'shop/production', at: at - 900 + nth, data });
          }
        },
      },
      release: 'one',
      says: /3 instances of attempt 3 stood in shop\/production at once, and 2 were asked for/,
    },
    {
      how: 'one instance was made under two names',
      twist: { made: (made) => otherwise(made, 'production 2 2', { labels: { instance: '1' } }) },
      release: 'two',
      says: /instance 1 of attempt 2 in shop\/production was made as two/,
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
      how: 'what a newer one contains was rolled out over it, whatever its number',
      twist: { commit: olderThanItsNumber },
      release: 'two',
      says: /release 2 was rolled out over release 1/,
    },
    {
      how: 'nobody says that a newer release contains it',
      twist: { commit: olderThanItsNumber },
      release: 'two',
      says: /release 2 is part of release 1 by the repository, and is not said to be/,
    },
    {
      how: 'what was rolled back from came back by the grant from before',
      twist: {
        more: (good, scribe) => {
          const rollout = anId();
          for (const [key, event] of [
            ['rollout.started 2', RolloutStarted],
            ['rollout.ended 2', RolloutSucceeded],
          ] as const)
            beside(good, scribe, key, {
              event,
              at: good.line('rollout.ended back').at + 10_000,
              data: { ...(good.line(key).data as object), rollout, ...(event === RolloutStarted && { attempt: 4 }) },
            });
        },
      },
      also: [2],
      release: 'two',
      says: /release 2 came back to shop\/production after it was rolled back from there, by a grant from before/,
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
    {
      how: 'a release is said to have come in with one that does not contain it',
      twist: { data: { 'commit.detected 1': (data) => ({ ...data, range: { ...data.range, merged: [2] } }) } },
      release: 'one',
      says: /release 1 is said to contain release 2, which the repository denies/,
    },
    {
      how: 'a release is counted from a commit that it does not contain',
      twist: { data: { 'commit.detected 1': (data) => ({ ...data, range: { ...data.range, from: aRevision('2') } }) } },
      release: 'one',
      says: /release 1 is counted from \w+, which it does not contain/,
    },
    {
      how: 'nobody says that a release contains an earlier one',
      twist: { data: { 'commit.detected 2': (data) => ({ ...data, range: { ...data.range, from: null } }) } },
      release: 'two',
      says: /release 2 contains release 1 by the repository, and nothing that was said tells so/,
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
      how: 'another image runs in test than was built',
      twist: {
        made: (made) => otherwise(made, 'test 2', { image: { ...madeAs(made, 'test 2').image, digest: aDigest('another') } }),
      },
      release: 'two',
      says: /runs sha256:\w+ \(labelled sha256:\w+\), and sha256:\w+ was built/,
    },
    {
      how: 'the registry gives other bytes for a digest',
      after: (history) => {
        const [manifest] = history.registry.manifests;
        const lie = { ...(manifest as NonNullable<typeof manifest>), digest: aDigest('another') };
        return { ...history, registry: { ...history.registry, manifests: [...history.registry.manifests, lie] } };
      },
      says: /the registry gives sha256:\w+ for sha256:\w+/,
    },
    {
      how: 'a release was built as two images',
      twist: {
        data: { 'image.built 1': (data) => ({ ...data, built: true }) },
        more: (good, scribe) => {
          const there = good.line('image.built 2');
          const image = { ...(there.data as { image: object }).image, digest: aDigest('another') };
          beside(good, scribe, 'image.built 2', { event: ImageBuilt, at: there.at + 100, data: { ...(there.data as object), image } });
        },
      },
      also: [9],
      release: 'two',
      says: /release 2 was built as sha256:\w+ and as sha256:\w+/,
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
      says: /a build ended 2 times, and was asked for 1 times/,
    },
    {
      how: 'a build that has its image failed',
      twist: {
        more: ({ two, line }, scribe) => {
          const data = { release: two, attempt: 1, reason: { code: 'x', message: '' }, step: null, logTail: [], seconds: 1, authors: [] };
          scribe.say({
            key: 'failed',
            writer: 'image-builder',
            event: BuildFailed,
            subject: two.id,
            at: line('image.built 2').at + 100,
            data,
          });
        },
      },
      release: 'two',
      says: /a build ended 2 times/,
    },
    {
      how: 'a build that was given up has its image all the same',
      twist: {
        more: ({ two, line }, scribe) => {
          const data = { release: two, reason: { code: 'cancelled', message: '' }, supersededBy: null };
          const { at } = line('image.built 2');
          scribe.say({ key: 'given up', writer: 'image-builder', event: BuildCancelled, subject: two.id, at: at - 100, data });
        },
      },
      release: 'two',
      says: /a build ended 2 times/,
    },
  ],
});
