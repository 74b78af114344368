import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Board } from './board.ts';

let folder: string;
let board: Board;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-passing-'));
  board = new Board(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A process that passes a point before the commit of what it does; gives the signal that ended it. */
async function passes(what: string, about: readonly string[] = []): Promise<NodeJS.Signals | null> {
  const module = JSON.stringify(join(import.meta.dirname, 'passing.ts'));
  const script = `const { Passing } = await import(${module}); new Passing(${JSON.stringify(folder)}, 'approval').pass(${JSON.stringify(what)}, 'before commit', ${JSON.stringify(about)});`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal;
}

describe('armed points', () => {
  const lot = ['on commit.detected', 'on sign-off.posted'].map((what) => `approval · ${what} · before commit`);

  it('end the first process that comes to one of them, and let the others pass', async () => {
    await board.armOneOf(lot);
    expect(await passes('on rollout.failed')).toBeNull();
    expect(await passes('on sign-off.posted')).toBe('SIGKILL');
    expect(await passes('on commit.detected')).toBeNull();
    expect((await board.killed()).map(({ point }) => point)).toEqual(['approval · on sign-off.posted · before commit']);
    expect((await board.news()).map(({ point }) => point).sort()).toEqual([
      'approval · on commit.detected · before commit',
      'approval · on rollout.failed · before commit',
    ]);
  });

  it('hold the first process that comes to one of them until it is let go, and tell what it is about', async () => {
    const signal = new AbortController().signal;
    const holding = board.hold(lot, 20_000, signal);
    const passing = passes('on sign-off.posted', ['a', 'b']);
    const held = await holding;
    expect(held).toMatchObject({ point: 'approval · on sign-off.posted · before commit', about: ['a', 'b'] });
    process.kill(held?.pid ?? 0, 0);
    await held?.release();
    expect(await passing).toBeNull();
    expect(await held?.answered()).toBe(false);
    expect(await board.hold(lot, 0, signal)).toBeUndefined();
    expect(await passes('on sign-off.posted')).toBeNull();
  });

  it('end nobody once they are disarmed', async () => {
    await board.armOneOf(lot);
    await board.disarmAll(lot);
    expect(await passes('on commit.detected')).toBeNull();
  });
});
