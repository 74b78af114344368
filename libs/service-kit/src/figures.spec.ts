import { describe, expect, it } from 'vitest';
import { figures } from './figures.js';

describe('figures for gauges', () => {
  it('are asked for once, however many gauges want them', async () => {
    let asked = 0;
    const rows = figures(async () => ++asked);
    expect(await Promise.all([rows(), rows(), rows()])).toEqual([1, 1, 1]);
  });

  it('are asked for anew when they are no longer fresh', async () => {
    let asked = 0;
    const rows = figures(async () => ++asked, { freshMs: 0 });
    await expect.poll(rows, { interval: 1 }).toBeGreaterThan(1);
  });

  it('are nothing where the database fails or does not answer in time', async () => {
    expect(await figures(() => Promise.reject(new Error('away')))()).toBeUndefined();
    expect(await figures(() => new Promise<never>(() => undefined), { withinMs: 5 })()).toBeUndefined();
  });
});
