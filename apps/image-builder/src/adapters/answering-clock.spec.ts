import { once } from 'node:events';
import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { AnsweringClock } from './answering-clock.js';

const beat = { everyMs: 10, answerMs: 20, silenceMs: 100 };

describe('a time limit beside a part that may hang', () => {
  it('ends when the part answered for so long', async () => {
    const clock = new AnsweringClock(async () => undefined, 50, beat);
    await once(clock.signal, 'abort');
    expect(clock.silent).toBe(false);
  });

  it('stands still while the part does not answer, and goes on afterwards', async () => {
    let asked = 0;
    let awake = false;
    const clock = new AnsweringClock(
      async () => {
        asked++;
        if (!awake) throw new Error('away');
      },
      30,
      { ...beat, silenceMs: 60_000 },
    );
    await eventually(() => asked > 10);
    expect(clock.signal.aborted).toBe(false);
    awake = true;
    await eventually(() => clock.signal.aborted);
    expect(clock.silent).toBe(false);
  });

  it('gives a part up that stays silent, whether it refuses or hangs', async () => {
    const hangs = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new Error('late'))));
    const clock = new AnsweringClock(hangs, 60_000, beat);
    await once(clock.signal, 'abort');
    expect(clock.silent).toBe(true);
  });

  it('aborts nothing once it is stopped', async () => {
    let asked = 0;
    const clock = new AnsweringClock(async () => void asked++, 1_000, beat);
    await eventually(() => asked > 0);
    clock.stop();
    expect(clock.signal.aborted).toBe(false);
  });
});
