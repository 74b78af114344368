import type { CommandAction } from '@slipway/contracts';
import type { EnvironmentStatus, ReleaseState } from '@slipway/release';
import { anId, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { ownerOf } from './command-owner.js';

const release = aRelease();
type Stage = 'test' | 'pre-release' | 'production';
const state = (build: ReleaseState['build']['status'], ...environments: [Stage, EnvironmentStatus][]) =>
  ({
    release,
    build: { status: build },
    environments: environments.map(([stage, status]) => ({ environment: stage, stage, status })),
  }) as unknown as ReleaseState;
const retry: CommandAction = { kind: 'release.retry', release: release.id };
const cancel: CommandAction = { kind: 'release.cancel', release: release.id };

describe('the owner of a command', () => {
  it.each([
    ['a build that waits', cancel, state('detected'), 'image-builder'],
    ['a build under way', cancel, state('building'), 'image-builder'],
    ['a build that failed', retry, state('failed'), 'image-builder'],
    ['a test that failed', retry, state('built', ['test', 'failed']), 'test-deployer'],
    ['a test under way', cancel, state('built', ['test', 'verifying']), 'test-deployer'],
    ['an image that nobody has deployed', cancel, state('built'), 'test-deployer'],
    ['a rollout that failed', retry, state('built', ['test', 'passed'], ['production', 'failed']), 'production-rollout'],
    ['a rollout that was aborted', retry, state('built', ['test', 'passed'], ['production', 'aborted']), 'production-rollout'],
    ['a rollout under way', cancel, state('built', ['test', 'passed'], ['pre-release', 'rolling-out']), 'production-rollout'],
    ['a rollout that waits its turn', cancel, state('built', ['test', 'passed'], ['pre-release', 'granted']), 'production-rollout'],
  ])('follows where the release is: %s', (_, action, where, service) => {
    expect(ownerOf(action, where)).toEqual({ service });
  });

  it.each([
    ['nothing failed', retry, state('built', ['test', 'passed'], ['pre-release', 'awaiting-approval']), 'waits-for-people'],
    ['it waits for people', cancel, state('built', ['test', 'passed'], ['pre-release', 'awaiting-approval']), 'waits-for-people'],
    ['it is live', cancel, state('built', ['production', 'live']), 'nothing-under-way'],
    ['it was rejected', retry, state('built', ['pre-release', 'rejected']), 'nothing-to-retry'],
    ['nobody heard of it', retry, undefined, 'release-unknown'],
  ])('is nobody where %s', (_, action, where, code) => {
    expect(ownerOf(action, where)).toMatchObject({ reason: { code } });
  });

  it.each([
    [{ kind: 'release.withdraw', release: anId() }, 'approval'],
    [{ kind: 'environment.hold', project: 'shop', environment: 'test', until: null }, 'test-deployer'],
    [{ kind: 'environment.scale', project: 'shop', environment: 'production', instances: 4 }, 'production-rollout'],
    [{ kind: 'dead-letter.replay', service: 'notifier', id: 'x' }, 'notifier'],
    [{ kind: 'source.refresh', project: 'shop' }, 'source-watcher'],
  ] as [CommandAction, string][])('of %o is %s', (action, service) => {
    expect(ownerOf(action, undefined)).toEqual({ service });
  });
});
