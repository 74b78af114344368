import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chunk, LogChunks } from './log-chunks.js';

const of = (text: string, last = false) => ({ release: 'r', stream: 'build/1', text, last });

describe('log chunks', () => {
  it('are numbered from 0, at most 64 KiB, tear no character apart and lose nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 50 }), fc.nat(5_000)), { maxLength: 12 }), (parts) => {
        const chunks = new LogChunks();
        const texts = parts.map(([text, times]) => text.repeat(times));
        const got: Chunk[] = texts.flatMap((text) => chunks.add(of(text)));
        got.push(...chunks.add(of('', true)));
        expect(got.map(({ text }) => text).join('')).toBe(texts.join('').toWellFormed());
        expect(got.map(({ chunk }) => chunk)).toEqual(got.map((_, at) => at));
        expect(Math.max(...got.map(({ text }) => Buffer.byteLength(text)))).toBeLessThanOrEqual(64 * 1024);
        expect(got.filter(({ last }) => last)).toEqual([got.at(-1)]);
      }),
      { numRuns: 50 },
    );
  });

  it('of several streams have numbers of their own', () => {
    const chunks = new LogChunks();
    chunks.add(of('a'));
    chunks.add({ release: 'r', stream: 'verify/test/1', text: 'b' });
    expect(chunks.take().map(({ stream, chunk }) => [stream, chunk])).toEqual([
      ['build/1', 0],
      ['verify/test/1', 0],
    ]);
    expect(chunks.take()).toEqual([]);
  });
});
