import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { demux, drain, jsonLines, LineCutter } from './log-stream.js';

const frame = (stream: 1 | 2, text: string): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

const cut = (...texts: string[]): string[] => {
  const lines: string[] = [];
  const cutter = new LineCutter((line) => lines.push(line), 8);
  for (const text of texts) cutter.write(text);
  cutter.end();
  return lines;
};

describe('lines', () => {
  it('are cut at newlines wherever the chunks end', () => {
    expect(cut('a\nb', 'c\n\nd')).toEqual(['a', 'bc', '', 'd']);
  });

  it('end with a carriage return too, and with both only once', () => {
    expect(cut('10%\r20%\r\nx', '\r', '\ny\n')).toEqual(['10%', '20%', 'x', 'y']);
  });

  it('come in pieces when they are too long', () => {
    expect(cut('12345678', '90\n')).toEqual(['12345678', '90']);
  });

  it('never gather in memory: 500 MB without a newline', () => {
    let longest = 0;
    let total = 0;
    const cutter = new LineCutter((line) => {
      longest = Math.max(longest, line.length);
      total += line.length;
    });
    const chunk = 'x'.repeat(1024 * 1024);
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < 500; at++) cutter.write(chunk);
    cutter.end();
    expect({ longest, total }).toEqual({ longest: 8192, total: 500 * 1024 * 1024 });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024);
  });
});

describe('the multiplexed stream', () => {
  it('comes apart wherever the chunks end', async () => {
    const all = Buffer.concat([frame(1, 'out'), frame(2, 'error'), frame(1, ''), frame(1, 'put')]);
    const chunks = Array.from(all, (byte) => Buffer.from([byte]));
    expect(await drain(demux(Readable.from(chunks), false), 100)).toEqual({ stdout: 'output', stderr: 'error', truncated: false });
  });

  it('is kept only up to the limit', async () => {
    expect(await drain(demux(Readable.from([frame(1, 'abcdef')]), false), 3)).toEqual({ stdout: 'abc', stderr: '', truncated: true });
  });
});

describe('JSON lines', () => {
  it('are read wherever the chunks end, in the middle of a character too', async () => {
    const bytes = Buffer.from('{"a":"ü"}\r\n{"a":"2"}\n{"a":"3"}');
    const read: unknown[] = [];
    for await (const message of jsonLines(Readable.from(Array.from(bytes, (byte) => Buffer.from([byte]))))) read.push(message);
    expect(read).toEqual([{ a: 'ü' }, { a: '2' }, { a: '3' }]);
  });

  it('refuse a line that does not end', async () => {
    const reading = async (): Promise<void> => {
      for await (const _ of jsonLines(Readable.from([Buffer.alloc(2000, 'x')]), 1000)) expect.unreachable();
    };
    await expect(reading()).rejects.toThrow('longer than 1000 bytes');
  });
});
