import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type EndRequest, Interrupted, listenForEnd } from '../parts/cleanup.ts';
import { askAt } from './asking.ts';

let end: EndRequest;
afterEach(() => end.release());

/** A terminal at which a person types this when they are asked. */
function typing(keys: string) {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  output.once('data', () => input.write(keys));
  end = listenForEnd(() => {});
  return { input, output };
}

describe('a question of the demo', () => {
  it('gives what the person typed', async () => {
    expect(await askAt(typing('because\r'), 'Why? ', end)).toBe('because');
    expect(end.signal).toBeUndefined();
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('is ended by %s like anything else', async (_, key) => {
    await expect(askAt(typing(key), 'Why? ', end)).rejects.toThrow(Interrupted);
    expect(end.signal).toBe('SIGINT');
    expect(() => end.throwIfAsked()).toThrow(Interrupted);
  });

  it('is not asked any more once the person asked to end', async () => {
    const terminal = typing('yes\r');
    end.ask('SIGTERM');
    await expect(askAt(terminal, 'Why? ', end)).rejects.toThrow(Interrupted);
  });
});
