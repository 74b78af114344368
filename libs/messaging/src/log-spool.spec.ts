import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@slipway/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Chunk } from './log-chunks.js';
import { LogSpool } from './log-spool.js';

let dir: string;
let away = false;
let sent: Chunk[] = [];
const spools: LogSpool[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slipway-spool-'));
  sent = [];
  away = false;
});
afterEach(async () => {
  away = false;
  await Promise.all(spools.splice(0).map((spool) => spool.stop(2_000)));
  await rm(dir, { recursive: true, force: true });
});

async function spool(maxBytes = 1_000_000): Promise<LogSpool> {
  const made = new LogSpool({
    dir,
    maxBytes,
    logger: pino({ level: 'silent' }),
    send: async (chunk) => {
      if (away) throw new Error('kafka is away');
      sent.push(chunk);
    },
  });
  await made.start();
  spools.push(made);
  return made;
}

describe('the log spool', () => {
  it('sends lines within a moment, in order, and leaves nothing behind', async () => {
    const own = await spool();
    for (let at = 0; at < 100; at++) own.append({ release: 'r', stream: 's', text: `line ${at}\n` });
    await eventually(() => sent.length > 0);
    own.append({ release: 'r', stream: 's', text: 'end\n', last: true });
    await own.flush();
    expect(sent.map(({ text }) => text).join('')).toBe(`${Array.from({ length: 100 }, (_, at) => `line ${at}\n`).join('')}end\n`);
    expect(sent.at(-1)?.last).toBe(true);
    await own.stop(1_000);
    expect(await readdir(dir)).toEqual([]);
  });

  it('keeps on disk what Kafka does not take, and another process sends it after a crash', async () => {
    away = true;
    const crashed = await spool();
    crashed.append({ release: 'r', stream: 's', text: 'last words' });
    const folder = await eventually(async () => {
      const [writer] = await readdir(dir);
      return writer && (await readdir(join(dir, writer))).length === 1 ? join(dir, writer) : false;
    });
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(folder, longAgo, longAgo);
    spools.length = 0; // the first one is gone: nobody stops it
    const next = await spool();
    away = false;
    await next.flush();
    await eventually(() => sent.some(({ text }) => text === 'last words'));
  });

  it('goes on after another process took its folder over, for it stood still too long', async () => {
    away = true;
    const own = await spool();
    own.append({ release: 'r', stream: 'first', text: 'before' });
    const folder = await eventually(async () => {
      const [writer = ''] = await readdir(dir);
      return (await readdir(join(dir, writer))).length === 1 ? join(dir, writer) : false;
    });
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(folder, longAgo, longAgo);
    const other = await spool();
    away = false;
    own.append({ release: 'r', stream: 'second', text: 'after' });
    await Promise.all([own.flush(), other.flush()]);
    expect(sent.map(({ text }) => text).sort()).toEqual(['after', 'before']);
  });

  it('sends from memory what it cannot write', async () => {
    const own = await spool();
    const [writer = ''] = await readdir(dir);
    // As on a disk without room: nothing can be written where the folder was.
    await rm(join(dir, writer), { recursive: true });
    await writeFile(join(dir, writer), '');
    own.append({ release: 'r', stream: 's', text: 'said all the same', last: true });
    await own.flush();
    expect(sent.map(({ text }) => text)).toEqual(['said all the same']);
  });

  it('drops what is beyond its bound, and says in the log how much', async () => {
    away = true;
    const own = await spool(100_000);
    for (let at = 0; at < 10; at++) own.append({ release: 'r', stream: 's', text: 'x'.repeat(64 * 1024) });
    away = false;
    await own.flush();
    own.append({ release: 'r', stream: 's', text: 'more', last: true });
    await own.flush();
    const text = sent.map((chunk) => chunk.text).join('');
    expect(text.length).toBeLessThan(4 * 64 * 1024);
    expect(text).toMatch(/\[slipway: \d+ bytes of log were dropped here\]\nmore$/);
    expect(sent.map(({ chunk }) => chunk)).toEqual(sent.map((_, at) => at));
  });
});
