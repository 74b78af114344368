import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir, hashOf } from './cache.ts';
import { findCommand } from './processes.ts';
import { messageOf } from './until.ts';

const run = promisify(execFile);
const list = join(import.meta.dirname, 'schemathesis', 'requirements.txt');

/**
 * The Python of an environment that has schemathesis in it, to be run with `-m schemathesis.cli`. It is made once, by pip, from the versions in
 * requirements.txt; after that it comes from the cache. Throws, saying what to install, where Python is not there.
 */
export async function schemathesisPython(): Promise<string> {
  const python = findCommand('python3');
  if (python === undefined) throw new Error('Python is needed for schemathesis, the fuzzer of the API (apt-get install python3-venv).');
  const { stdout: version } = await run(python, ['-c', 'import sys; print(*sys.version_info[:3])'], { timeout: 30_000 });
  const folder = join(await cacheDir('schemathesis'), hashOf(`${version}${python}${await readFile(list, 'utf8')}`));
  const program = join(folder, 'bin', 'python');
  if (existsSync(program)) return program;
  const half = `${folder}.${randomBytes(4).toString('hex')}`;
  try {
    await run(python, ['-m', 'venv', half], { timeout: 120_000 });
    const quietly = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary', ':all:'];
    await run(join(half, 'bin', 'python'), ['-m', 'pip', 'install', ...quietly, '-r', list], { timeout: 600_000, maxBuffer: 1 << 24 });
    // Programs in bin/ name the folder they were made in; the Python there does not.
    await rename(half, folder).catch((error: unknown) => {
      // Another run was faster.
      if (!existsSync(program)) throw error;
    });
  } catch (error) {
    throw new Error(`schemathesis could not be installed: ${messageOf(error)}`, { cause: error });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return program;
}
