import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
// It runs on whatever Node the machine has before anything is installed, so it is plain JavaScript without types.
const machine: string = pathToFileURL(join(import.meta.dirname, 'machine.mjs')).href;
const { whyNotOn } = (await import(machine)) as { whyNotOn: (platform: string) => string | undefined };
const needs: string = pathToFileURL(join(import.meta.dirname, 'needs.mjs')).href;
interface Need {
  readonly packages: readonly string[];
}
const { neededBy } = (await import(needs)) as { neededBy: (words: readonly string[]) => readonly Need[] };

describe('a machine', () => {
  it('of Linux is taken', () => {
    expect(whyNotOn('linux')).toBeUndefined();
  });

  it.each([
    ['darwin', 'macOS', 'a Linux machine or a virtual one'],
    ['win32', 'Windows', 'WSL 2'],
    ['freebsd', 'freebsd', 'a Linux machine or a virtual one'],
  ])('of %s is told that this is Linux only, and what to do', (platform, name, instead) => {
    expect(whyNotOn(platform)).toContain(`runs on Linux only for now; this is ${name}`);
    expect(whyNotOn(platform)).toContain(instead);
  });
});

describe('what tests need', () => {
  const packages = (...words: string[]) => neededBy(words).flatMap((need) => need.packages);

  it('is the same for all of them, but for a tier that types what an operator types', () => {
    expect(packages('--config', 'vitest.faults.config.ts', 'test/restore')).toEqual([...packages(), 'postgresql']);
    expect(packages('--config', 'vitest.upgrade.config.ts')).toEqual(packages());
    expect(packages('libs/release')).toEqual(packages());
  });
});

/** A program that believes it is on another system: only what Node says of it differs. */
describe('on another system', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-elsewhere-'));
    writeFileSync(join(folder, 'elsewhere.mjs'), `Object.defineProperty(process, 'platform', { value: 'darwin' });\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['demo', 'start', 'test'])('npm run %s says so first, and does nothing', (program) => {
    const words = ['--import', pathToFileURL(join(folder, 'elsewhere.mjs')).href, join(root, `tools/${program}.mjs`)];
    const ran = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 20_000, cwd: folder });
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^Slipway runs on Linux only for now; this is macOS\. Nothing was installed\./);
  });
});
