import { NotFound, Unavailable } from '@slipway/docker-engine';
import { describe, expect, it } from 'vitest';
import { together } from './together.js';

const answered = new NotFound('start container web: no such container', 404);
const hungUp = new Unavailable('create container web: socket hang up', undefined, { cause: new Error('socket hang up') });

describe('calls that are made together', () => {
  it('give what each of them gave', async () => {
    expect(await together([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2]);
  });

  it('say of one that may still be under way, whatever else was answered first', async () => {
    await expect(together([Promise.reject(answered), Promise.resolve(1), Promise.reject(hungUp)])).rejects.toBe(hungUp);
    await expect(together([Promise.reject(answered), Promise.resolve(1)])).rejects.toBe(answered);
  });

  it('all come to an end before anything is thrown', async () => {
    let ended = false;
    const late = new Promise<void>((resolve) => setImmediate(resolve)).then(() => (ended = true));
    await expect(together([Promise.reject(answered), late])).rejects.toBe(answered);
    expect(ended).toBe(true);
  });
});
