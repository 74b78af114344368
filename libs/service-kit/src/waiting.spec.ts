import { describe, expect, it } from 'vitest';
import { reasonOf, Stopped, untilItWorks } from './waiting.js';

describe('waiting for a part', () => {
  it('goes on until it works and says each reason once', async () => {
    const answers = ['away', 'away', 'starting'];
    const reasons: string[] = [];
    const attempt = async () => {
      const answer = answers.shift();
      if (answer) throw new Error(answer);
      return 'here';
    };
    const came = await untilItWorks(attempt, {
      passes: () => true,
      onWait: (reason) => reasons.push(reason),
      signal: new AbortController().signal,
    });
    expect(came).toBe('here');
    expect(reasons).toEqual(['away', 'starting']);
  });

  it('ends at once where waiting does not help', async () => {
    const attempt = () => Promise.reject(new Error('wrong password'));
    const waiting = untilItWorks(attempt, { passes: () => false, onWait: () => undefined, signal: new AbortController().signal });
    await expect(waiting).rejects.toThrow('wrong password');
  });

  it('ends when told to stop', async () => {
    const stop = new AbortController();
    const waiting = untilItWorks(() => Promise.reject(new Error('away')), {
      passes: () => true,
      onWait: () => stop.abort(),
      signal: stop.signal,
    });
    await expect(waiting).rejects.toThrow(Stopped);
  });

  it('finds words for errors of several addresses', () => {
    expect(reasonOf(new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('x')]))).toBe(
      'connect ECONNREFUSED ::1:5432',
    );
  });
});
