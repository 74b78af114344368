import { Commit } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { aCommit, aPerson, aProjectFile, aRelease, aTargetFile, aTopicPrefix } from './nouns.js';

describe('the examples of nouns', () => {
  it('fit the contracts they are examples of', () => {
    expect(aRelease({ number: 7 }).number).toBe(7);
    expect(Commit.parse(aCommit())).toEqual(aCommit({ revision: expect.any(String) as never }));
    expect(aPerson({ name: 'Tess Tester' }).emails).toEqual(['tess@shop.example']);
    expect(aProjectFile({ name: 'bank' }).spec.environments.map(({ name }) => name)).toEqual(['test', 'pre-release', 'production']);
    expect(aTargetFile().spec.docker?.address).toBe('127.0.0.1');
  });

  it('never give two test files the same topics', () => {
    expect(aTopicPrefix()).not.toBe(aTopicPrefix());
  });
});
