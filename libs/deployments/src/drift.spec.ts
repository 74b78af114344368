import type { Deployment, Observed } from '@slipway/orchestrators';
import { describe, expect, it } from 'vitest';
import { driftFrom } from './drift.js';

const environment = { project: 'shop', environment: 'production' };
const approved: Deployment = {
  environment,
  release: 'r',
  attempt: 1,
  digest: 'sha256:a',
  image: 'i@sha256:a',
  instances: 1,
  app: { port: 8080, drainMs: 0, stableMs: 0 },
};
const instance = {
  name: 'one',
  id: '1',
  state: 'healthy',
  healthy: true,
  healthyForMs: 1,
  runningForMs: 1,
  failures: 0,
  digest: 'sha256:a',
  release: 'r',
  attempt: 1,
  configHash: 'c',
  inService: true,
  restarts: 0,
} as const;
const observed: Observed = { environment, exists: true, instances: [instance], wanted: 1, ready: 1, version: 'v', drift: [] };

describe('drift', () => {
  it('is none when what runs is what was approved', () => {
    expect(driftFrom(approved, observed)).toEqual([]);
    expect(driftFrom({ ...approved, instances: 0 }, { ...observed, exists: false, instances: [], wanted: 0 })).toEqual([]);
  });

  it('is another digest, another count, or nothing at all', () => {
    expect(driftFrom(approved, { ...observed, instances: [{ ...instance, digest: 'sha256:b' }] })).toEqual([
      'one runs sha256:b, approved is sha256:a',
    ]);
    expect(driftFrom({ ...approved, instances: 3 }, observed)).toEqual(['the target was told to run 1 instances, approved are 3']);
    expect(driftFrom(approved, { ...observed, exists: false, instances: [] })).toEqual(['nothing runs there any more']);
  });

  it('is also what the target itself sees', () => {
    expect(
      driftFrom(approved, {
        ...observed,
        drift: [
          { kind: 'stopped', instance: 'one', detail: 'ended' },
          { kind: 'proxy', detail: 'gone' },
        ],
      }),
    ).toEqual(['one: ended', 'gone']);
  });
});
