import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Cleanup } from './cleanup.ts';
import { type DataDir, openDataDir, sweep, temporaryDataDir } from './data-dir.ts';
import { startPostgres } from './postgres.ts';
import { findCommand, isAlive, readRecord, startProcess, startTicksOf } from './processes.ts';
import { until } from './until.ts';

const opened: DataDir[] = [];

async function aDataDir(): Promise<DataDir> {
  const dataDir = await temporaryDataDir('spec');
  opened.push(dataDir);
  return dataDir;
}

afterEach(async () => {
  for (const dataDir of opened.splice(0)) await dataDir.close();
});

describe('processes of a run', () => {
  it('tells the end of the log when a process ended by itself', async () => {
    const dataDir = await aDataDir();
    const child = await startProcess(dataDir, {
      name: 'short',
      command: process.execPath,
      args: ['-e', 'console.error("no such thing"); process.exit(3)'],
    });
    await child.exited;
    expect(() => child.assertRunning()).toThrow(/ended with code 3[\s\S]*no such thing/);
    await child.stop();
  });

  it('is stopped by force when it does not listen', async () => {
    const dataDir = await aDataDir();
    const deaf = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")';
    const child = await startProcess(dataDir, { name: 'deaf', command: process.execPath, args: ['-e', deaf], graceMs: 200 });
    await until('it listens', async () => (await readFile(child.logFile, 'utf8')).includes('up'), { within: 10_000 });
    await child.stop();
    expect((await child.exited).signal).toBe('SIGKILL');
  });

  it('leaves nothing running or lying about after kill -9 of the program that started it', async () => {
    const { program, pid, dir } = await aProgramWithAPart();
    expect(existsSync(dir)).toBe(true);
    program.kill('SIGKILL');
    await new Promise((ended) => program.once('exit', ended));
    await sweep();
    expect(existsSync(dir)).toBe(false);
    expect(startTicksOf(pid)).toBeUndefined();
  });

  it('keeps away from a folder that a live process uses', async () => {
    const dataDir = await aDataDir();
    await expect(openDataDir(dataDir.path, 'spec')).rejects.toThrow(/in use by process \d+/);
    await sweep();
    expect(existsSync(dataDir.path)).toBe(true);
  });

  it('does not take another process that got the same pid for its own', async () => {
    const dataDir = await aDataDir();
    const file = join(dataDir.run, 'ghost.json');
    await writeFile(file, JSON.stringify({ name: 'ghost', pid: process.pid, startTicks: '1', stopSignal: 'SIGKILL' }));
    const record = await readRecord(file);
    expect(record !== undefined && isAlive(record)).toBe(false);
  });
});

describe('cleanup', () => {
  it('undoes in reverse order, goes on after a failure and names it', async () => {
    const order: string[] = [];
    const cleanup = new Cleanup();
    cleanup.defer('first', () => void order.push('first'));
    cleanup.defer('second', () => Promise.reject(new Error('stuck')));
    cleanup.defer('third', () => void order.push('third'));
    expect(await cleanup.run()).toEqual(['second: stuck']);
    expect(order).toEqual(['third', 'first']);
  });
});

describe.skipIf(findCommand('setpriv') === undefined)('the embedded Postgres', () => {
  it('keeps its data and its port from one start to the next', async () => {
    const named = process.env['DATABASE_URL'];
    delete process.env['DATABASE_URL'];
    try {
      const dataDir = await aDataDir();
      const first = await startPostgres(dataDir, { durable: false });
      await query(first.url, 'create table kept (n int)');
      await first.stop();
      const second = await startPostgres(dataDir, { durable: false });
      expect(second.url).toBe(first.url);
      expect(await query(second.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }]);
      await second.stop();
    } finally {
      if (named !== undefined) process.env['DATABASE_URL'] = named;
    }
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function aProgramWithAPart(): Promise<{ program: ReturnType<typeof spawn>; pid: number; dir: string }> {
  const source = `
    const { temporaryDataDir } = await import(${JSON.stringify(join(import.meta.dirname, 'data-dir.ts'))});
    const { startProcess } = await import(${JSON.stringify(join(import.meta.dirname, 'processes.ts'))});
    const dataDir = await temporaryDataDir('spec');
    const child = await startProcess(dataDir, { name: 'part', command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
    console.log(JSON.stringify({ pid: child.pid, dir: dataDir.path }));
    setInterval(() => {}, 1000);`;
  const program = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stdout = program.stdout;
  if (stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: stdout })) return { program, ...(JSON.parse(line) as { pid: number; dir: string }) };
  throw new Error('the program ended without a word');
}
