import { describe, expect, it } from 'vitest';
import { Health } from './health.js';

describe('readiness', () => {
  it('is not there before the start is over', async () => {
    expect(await new Health().readiness()).toMatchObject({ status: 'not ready', missing: ['start: not started yet'] });
  });

  it('names every part that is missing', async () => {
    const health = new Health();
    health.set('start', { ok: true });
    health.set('kafka', { ok: false, detail: 'waiting: connect ECONNREFUSED' });
    health.check('postgres', () => Promise.reject(new Error('no answer within 2000 ms')));
    const { status, missing } = await health.readiness();
    expect(status).toBe('not ready');
    expect(missing).toEqual(['kafka: waiting: connect ECONNREFUSED', 'postgres: no answer within 2000 ms']);
  });

  it('asks its parts once a second at most, however often it is asked', async () => {
    let now = 0;
    let asked = 0;
    const health = new Health(() => now);
    health.set('start', { ok: true });
    health.check('postgres', () => ({ ok: ++asked > 0 }));
    await Promise.all([health.readiness(), health.readiness()]);
    await health.readiness();
    expect(asked).toBe(1);
    now += 1_001;
    await health.readiness();
    expect(asked).toBe(2);
  });
});
