import type { ContainerInfo } from '@slipway/docker-engine';
import { describe, expect, it } from 'vitest';
import { type Fact, isCutOff } from './facts.js';
import type { ServerState } from './proxy-admin.js';
import { nextEnd } from './reconnect.js';

function one(server: Partial<ServerState> | undefined, healthyForMs = 60_000): Fact {
  return {
    info: {} as ContainerInfo,
    number: 1,
    digest: 'sha256:a',
    configHash: 'c',
    record: { healthySince: performance.now() - healthyForMs, failures: 0, probes: [{ ok: true, status: 200, tookMs: 1 }] },
    member: true,
    ...(server && { server: { name: 'one', address: '', status: 'UP', check: 'L7OK', forMs: 60_000, sessions: 0, ...server } }),
  };
}

const down = (check: string, forMs = 60_000) => one({ status: 'DOWN', check, forMs });

describe('an instance that answers when asked directly', () => {
  it('is cut off when the proxy has had no connection to it for five seconds', () => {
    expect([down('L4TOUT'), down('L4CON')].map(isCutOff)).toEqual([true, true]);
    expect(isCutOff(down('L4CON', 4000))).toBe(false);
  });

  it('is not while it or the proxy has just been started', () => {
    expect(isCutOff(one({ status: 'DOWN', check: 'L4CON' }, 4000))).toBe(false);
    expect(isCutOff(one({ status: 'UP', check: 'INI', forMs: 0 }))).toBe(false);
  });

  it('is not where the proxy has its answer, or does not ask', () => {
    const others = [
      one({}),
      down('L7STS'),
      one({ status: 'no check', check: '' }),
      one({ status: 'MAINT', check: 'L4CON' }),
      one(undefined),
    ];
    expect(others.map(isCutOff)).toEqual(others.map(() => false));
  });
});

describe('what is started anew', () => {
  it('is the instance, as long as the proxy reaches another, be it one that it drains', () => {
    for (const status of ['UP', 'DRAIN', 'DOWN'])
      for (const tried of [undefined, 'instances', 'proxy'] as const)
        expect(nextEnd([down('L4CON'), one({ status, check: status === 'DOWN' ? 'L7STS' : 'L7OK' })], tried)).toBe('instances');
  });

  it('is the proxy where it reaches none, and then one end after the other', () => {
    const none = [down('L4CON'), one({ status: 'DRAIN', check: 'L4TOUT' }), one({ status: 'MAINT' }), one(undefined)];
    expect(nextEnd(none, undefined)).toBe('proxy');
    expect(nextEnd(none, 'proxy')).toBe('instances');
    expect(nextEnd(none, 'instances')).toBe('proxy');
  });

  it('is the proxy only after the instance where it may serve one that it does not check', () => {
    const unknown = [down('L4CON'), one({ status: 'no check', check: '' })];
    expect(nextEnd(unknown, undefined)).toBe('instances');
    expect(nextEnd(unknown, 'instances')).toBe('proxy');
  });
});
