import { describe, expect, it } from 'vitest';
import { Patience } from './patience.js';

describe('patience', () => {
  it('is as long as the slowest answer of the last moments, for each service', () => {
    let at = 0;
    const patience = new Patience(1000, () => at);
    expect(patience.of('gateway')).toEqual({ waitedMs: 0, silent: true });
    patience.heard('gateway', 300);
    patience.heard('gateway', 200);
    expect(patience.of('gateway')).toEqual({ waitedMs: 300, silent: false });
    expect(patience.of('approval')).toEqual({ waitedMs: 0, silent: true });
    at = 1500;
    patience.heard('gateway', 100);
    expect(patience.of('gateway')).toEqual({ waitedMs: 300, silent: false });
    at = 2600;
    expect(patience.of('gateway')).toEqual({ waitedMs: 100, silent: false });
  });

  it('knows nothing of a service that has been silent', () => {
    let at = 0;
    const patience = new Patience(1000, () => at);
    patience.heard('gateway', 300);
    at = 5000;
    expect(patience.of('gateway')).toEqual({ waitedMs: 0, silent: true });
  });
});
