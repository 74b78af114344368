import { services } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { judgeRecoveries, overloaded } from './recoveries.ts';
import type { Recovered } from './recovery-lap.ts';

const quick = (service: (typeof services)[number], more: Partial<Recovered> = {}): Recovered => ({
  ...{ service, progressMs: 4_000, hearingMs: 6_000, load: 1 },
  ...more,
});
const stateOf = (recovered: Recovered[]) => judgeRecoveries(recovered, 15_000).find(({ service }) => service === 'gateway')?.state;

describe('recovery from kill -9', () => {
  it('is in time where every service got on within the gate', () => {
    expect(
      new Set(
        judgeRecoveries(
          services.map((service) => quick(service)),
          15_000,
        ).map(({ state }) => state),
      ),
    ).toEqual(new Set(['in time']));
  });

  it.each<[string, Partial<Recovered>]>([
    ['took in its first event late', { hearingMs: 15_001 }],
    ['said its first thing late', { progressMs: 16_000, hearingMs: 16_000 }],
    ['never got on', { progressMs: undefined, hearingMs: undefined }],
    ['said something and never took anything in', { hearingMs: undefined }],
  ])('is late where a service %s, once of several times', (_, more) => {
    expect(stateOf([quick('gateway'), quick('gateway', more)])).toBe('late');
  });

  it('is in time where a service was, though the machine was overloaded', () => {
    expect(stateOf([quick('gateway', { load: overloaded + 1 })])).toBe('in time');
    expect(stateOf([quick('gateway', { load: overloaded + 1 }), quick('gateway', { hearingMs: 15_001 })])).toBe('late');
  });

  it('is not measured where a service was never killed, or late on an overloaded machine only', () => {
    expect(stateOf([quick('notifier')])).toBe('not measured');
    expect(stateOf([quick('gateway', { load: overloaded + 1 }), quick('gateway', { load: overloaded + 1, progressMs: undefined })])).toBe(
      'not measured',
    );
    expect(stateOf([quick('gateway', { load: overloaded + 1, hearingMs: 40_000 })])).toBe('not measured');
    expect(stateOf([quick('gateway', { load: overloaded + 1, hearingMs: 40_000 }), quick('gateway')])).toBe('in time');
  });
});
