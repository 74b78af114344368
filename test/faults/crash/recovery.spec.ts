import { describe, expect, it } from 'vitest';
import { readPoint } from './board.ts';
import { durationsOf, progressAfter } from './recovery.ts';
import { shapeOf } from './shape.ts';

const killed = { point: 'image-builder · on commit.detected · before commit', at: 1000, pid: 7 };

describe('the recovery of a killed service', () => {
  it('ends with the first thing another process of it commits', () => {
    const committed = { point: 'image-builder · run build · after commit, before publish', at: 1900, pid: 8 };
    expect(progressAfter(killed, [{ ...committed, at: 900 }, committed, { ...committed, at: 2500 }])).toEqual(committed);
  });

  it.each([
    ['another service', { point: 'approval · on commit.detected · after commit', at: 1500, pid: 8 }],
    ['the process that died', { point: 'image-builder · run build · after commit', at: 1500, pid: 7 }],
    ['what was only begun', { point: 'image-builder · run build · claimed', at: 1500, pid: 8 }],
    ['what comes by the clock', { point: 'image-builder · run guard · after commit', at: 1500, pid: 8 }],
  ])('is not told by %s', (_, pass) => {
    expect(progressAfter(killed, [pass])).toBeUndefined();
  });
});

describe('durations', () => {
  it('are told by their median and the longest', () => {
    expect(durationsOf([30, 10, 20])).toEqual({ count: 3, medianMs: 20, mostMs: 30 });
    expect(durationsOf([40, 10, 20, 30])).toEqual({ count: 4, medianMs: 25, mostMs: 40 });
    expect(durationsOf([])).toBeUndefined();
  });
});

describe('the name of a point', () => {
  it('is taken apart into service, what, and moment', () => {
    expect(readPoint(killed.point)).toEqual({ service: 'image-builder', what: 'on commit.detected', moment: 'before commit' });
    expect(() => readPoint('image-builder, somewhere')).toThrow(/names no point/);
  });

  it.each([
    ['/v1.41/containers/4f1c2a/start?t=5', '/containers/*/start'],
    ['/v1.41/images/localhost:5000/shop/push', '/images/*/push'],
    ['/v2/shop/web/manifests/sha256:00ff', '/v2/*/manifests/*'],
    ['/api/v1/projects/shop/environments/test/hold', '/api/v1/projects/*/environments/*/hold'],
    ['/', '/'],
  ])('has no names of %s in it', (url, shape) => {
    expect(shapeOf(url)).toBe(shape);
  });
});
