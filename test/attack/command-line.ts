import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../tools/suite/services.ts';
import type { Attacked } from './attacked.ts';

/** The command line of an administrator, in a home folder of its own. */
export class CommandLine {
  private constructor(
    private readonly on: Attacked,
    private readonly home: string,
  ) {}

  static async of(on: Attacked): Promise<CommandLine> {
    const home = await mkdtemp(join(tmpdir(), 'attack-home-'));
    await writeFile(join(home, 'token'), on.administratorToken, { mode: 0o600 });
    return new CommandLine(on, home);
  }

  /** What it shows on a terminal; without colours, so that every escape that comes is somebody else's. */
  shows(...words: string[]): Promise<string> {
    const env = {
      ...{ PATH: process.env['PATH'], HOME: this.home, TERM: 'xterm', NO_COLOR: '1' },
      ...{ SLIPWAY_URL: this.on.gatewayUrl, SLIPWAY_TOKEN_FILE: join(this.home, 'token') },
    };
    const program = [process.execPath, join(root, 'apps/cli/bin/slipway.mjs'), ...words].join(' ');
    return new Promise((resolve) => {
      execFile('script', ['-qec', program, '/dev/null'], { env, timeout: 60_000, maxBuffer: 1 << 26 }, (_, stdout, stderr) =>
        resolve(`${stdout}${stderr}`.replaceAll('\r\n', '\n')),
      );
    });
  }

  async drop(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}
