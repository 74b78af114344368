import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Of the account that docs/guides/install.md makes. */
const account = 61_234;

export interface WantedMachine {
  /** A private folder. */
  readonly folder: string;
  /** What is /var/lib/slipway there. */
  readonly dataDir: string;
  /** Where what is compiled lies. */
  readonly checkout: string;
  /** What a person has in their shell. */
  readonly env: Readonly<Record<string, string>>;
  /** What `systemctl stop slipway` and `systemctl start slipway` do. */
  readonly systemctl: Readonly<Record<'stop' | 'start', () => Promise<void>>>;
}

/**
 * A machine as the guides see one, for what they have people type: /var/lib/slipway, /var/backups and /etc are its own, in a room that ends with what was typed;
 * `systemctl` and `npx slipway` are ours, all other programs are those of this machine. For root only.
 */
export class Machine {
  private constructor(
    private readonly wanted: WantedMachine,
    private readonly server: Server,
  ) {}

  static async make(wanted: WantedMachine): Promise<Machine> {
    const { folder, checkout, systemctl } = wanted;
    for (const name of ['var', 'backups', 'bin', 'home']) await mkdir(join(folder, name), { recursive: true });
    await run('cp', ['-a', '--', '/etc', join(folder, 'etc')], { timeout: 60_000 });
    await appendFile(join(folder, 'etc/passwd'), `slipway:x:${account}:${account}::/var/lib/slipway:/usr/sbin/nologin\n`);
    await appendFile(join(folder, 'etc/group'), `slipway:x:${account}:\n`);
    const server = createServer((request, response) => {
      const asked = decodeURI(request.url ?? '').slice(1);
      const [verb = '', unit] = asked.split(' ');
      const act = unit === 'slipway' && (verb === 'stop' || verb === 'start') ? systemctl[verb] : undefined;
      const done = act?.() ?? Promise.reject(new Error(`there is no systemctl ${asked} here`));
      done.then(
        () => response.end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const ask = `fetch(${JSON.stringify(url)} + encodeURI(process.argv.slice(1).join(' '))).then(async (answer) => answer.ok || process.exit(console.error(await answer.text()) ?? 1))`;
    const node = JSON.stringify(process.execPath);
    await program(folder, 'systemctl', `exec ${node} -e ${quoted(ask)} -- "$@"`);
    const main = join(checkout, 'apps/cli/dist/main.js');
    await program(folder, 'npx', `[ "$1" = slipway ] || exit 127\nshift\nexec ${node} ${JSON.stringify(main)} "$@"`);
    return new Machine(wanted, server);
  }

  /** What was typed, line by line, up to the first that fails. Gives what was written; throws with it where a line failed. */
  async types(lines: string): Promise<string> {
    const { folder, dataDir, env } = this.wanted;
    const words = [
      '--mount',
      '--propagation',
      'private',
      '--',
      'bash',
      '--norc',
      '-euo',
      'pipefail',
      '-c',
      room,
      'bash',
      folder,
      dataDir,
      lines,
    ];
    const own = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: join(folder, 'home'), LC_ALL: 'C.UTF-8', ...env };
    try {
      const { stdout, stderr } = await run('unshare', words, { env: own, timeout: 600_000, maxBuffer: 16 << 20 });
      return `${stdout}\n${stderr}`;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`it did not work as the guide has it:\n${lines}\n${stdout}\n${stderr}`, { cause: error });
    }
  }

  /** What /etc/slipway.env is to say from now on. */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(this.wanted.folder, 'etc/slipway.env'), lines.join(''), { mode: 0o600 });
  }

  /** What /etc/slipway.env says. */
  async settings(): Promise<Record<string, string>> {
    const text = await readFile(join(this.wanted.folder, 'etc/slipway.env'), 'utf8');
    return Object.fromEntries(text.split('\n').flatMap((line) => [/^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []].filter(([name]) => name)));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** $1: the machine's folder, $2: its data, $3: what is typed. */
const room = `
  mount -t tmpfs none "$1/var"
  mkdir -p "$1/var/lib/slipway" "$1/var/backups" "$1/var/tmp"
  mount --bind "$2" "$1/var/lib/slipway"
  mount --bind "$1/backups" "$1/var/backups"
  mount --bind "$1/etc" /etc
  mount --rbind "$1/var" /var
  cd /
  exec bash --norc -eo pipefail -c "$3"
`;

async function program(folder: string, name: string, script: string): Promise<void> {
  const file = join(folder, 'bin', name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
