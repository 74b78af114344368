import { describe, expect, it } from 'vitest';
import { freePorts } from './ports.ts';

describe('free ports', () => {
  it('are given to one asker each, though none listens yet', async () => {
    const given: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) given.push(...(await freePorts(100)));
    expect(new Set(given).size).toBe(2_000);
  });
});
