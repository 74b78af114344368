import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const launcher = join(import.meta.dirname, 'launch.mjs');
const isRoot = process.getuid?.() === 0;
const isDebian = existsSync('/etc/debian_version');
const policyFile = '/usr/sbin/policy-rc.d';

const nobody = isRoot ? { uid: 65534, gid: 65534 } : {};
/** Not where the checkout lies in root's own folder. */
const nobodyMayRead = spawnSync(process.execPath, ['--check', launcher], nobody).status === 0;

let folder: string;
let bin: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'set-up-'));
  bin = join(folder, 'bin');
  await mkdir(bin);
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  code: number;
  said: string;
}

/** Runs `launch` for one need, a program that no machine has, and then a program that says it runs; as root, or as somebody who is nobody. */
async function launched(as: 'root' | 'nobody'): Promise<Ended> {
  const need = `{ packages: ['slipway-anvil'], why: 'an anvil', there: () => findCommand('slipway-anvil') !== undefined }`;
  const program = join(folder, 'program.mjs');
  await writeFile(program, `console.log('the program runs'); process.exitCode = 7;\n`);
  const file = join(folder, 'run.mjs');
  const machine = join(import.meta.dirname, 'machine.mjs');
  await writeFile(
    file,
    `import { launch } from '${launcher}';\nimport { findCommand } from '${machine}';\nawait launch([${need}], [['${program}']]);\n`,
  );
  await Promise.all([file, program].map((each) => chmod(each, 0o644)));
  const who = as === 'nobody' ? nobody : {};
  const env = { PATH: `${bin}:/usr/bin:/bin`, DOCKER_HOST: 'tcp://127.0.0.1:1' };
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { env, ...who, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: `${stdout}${stderr}` }),
    );
  });
}

/** Stands in for apt-get: writes down what it is asked and whether services may start, and installs a program that does nothing. */
async function anAptGet(installs: boolean): Promise<string> {
  const log = join(folder, 'apt.log');
  const lines = [
    '#!/bin/sh',
    `echo "$*" >> ${log}`,
    `case "$*" in *install*) ${policyFile}; echo "policy $?" >> ${log};; esac`,
    installs
      ? `case "$*" in *install*) ln -s /bin/true ${join(bin, 'slipway-anvil')};; esac`
      : 'echo "E: Unable to locate package slipway-anvil"; exit 100',
  ];
  await writeFile(join(bin, 'apt-get'), `${lines.join('\n')}\n`, { mode: 0o755 });
  return log;
}

describe('the set-up', () => {
  it.runIf(nobodyMayRead)('installs nothing where all is there, and ends as the program does', async () => {
    await symlink('/bin/true', join(bin, 'slipway-anvil'));
    expect(await launched('nobody')).toEqual({ code: 7, said: 'the program runs\n' });
  });

  it.runIf(nobodyMayRead)('prints what to install where it may not, and runs nothing', async () => {
    await anAptGet(true);
    const { code, said } = await launched('nobody');
    expect(code).toBe(1);
    expect(said).toContain('Please install first');
    expect(said).toContain('an anvil (Debian: slipway-anvil)');
    if (isDebian) expect(said).toContain('apt-get install --no-install-recommends slipway-anvil');
    expect(said).not.toContain('the program runs');
    expect(existsSync(join(folder, 'apt.log'))).toBe(false);
  });

  it.runIf(isRoot && isDebian)('says what it is going to install, and installs it without starting services', async () => {
    const had = existsSync(policyFile);
    const log = await anAptGet(true);
    const { code, said } = await launched('root');
    expect({ code, said }).toMatchObject({ code: 7, said: expect.stringContaining('the program runs') });
    const announced = said.indexOf('Will install by apt: slipway-anvil: an anvil.');
    expect(announced).toBeGreaterThanOrEqual(0);
    expect(announced).toBeLessThan(said.indexOf('> apt-get'));
    const asked = await readFile(log, 'utf8');
    expect(asked).toMatch(/update\n.*install -y --no-install-recommends slipway-anvil\npolicy 101\n/);
    expect(existsSync(policyFile)).toBe(had);
  });

  it.runIf(isRoot && isDebian)('says why where installing fails, and runs nothing', async () => {
    await anAptGet(false);
    const { code, said } = await launched('root');
    expect(code).toBe(1);
    expect(said).toContain('E: Unable to locate package slipway-anvil');
    expect(said).toContain('apt-get -o ended with code 100');
    expect(said).not.toContain('the program runs');
  });
});
