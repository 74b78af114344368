import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { kafkaJars } from '../../../tools/parts/kafka-jars.ts';
import { findCommand } from '../../../tools/parts/processes.ts';
import { toxiproxyProgram } from '../../../tools/parts/toxiproxy.ts';

const mark = 'OWN_WORLD';

/** True where this process runs in a network and a table of mounts of its own: what it starts and mounts disturbs nobody, and is gone with it. */
export const isOwnWorld = process.env[mark] === '1';

/**
 * Runs this very program once more, in a network and a table of mounts of its own, and gives the exit code it ended with; undefined where it runs there already, or may not
 * (not root, not Linux). What comes from the network is fetched first: nothing leads out of there. A Docker Engine of one's own needs this: two in one network rewrite each
 * other's firewall.
 */
export async function inAWorldOfItsOwn(): Promise<number | undefined> {
  await Promise.all([toxiproxyProgram(), kafkaJars(findCommand('mvn'))]);
  const unshare = findCommand('unshare');
  if (isOwnWorld || process.platform !== 'linux' || process.getuid?.() !== 0 || unshare === undefined) return undefined;
  // As a shell's last word, so that the program has our child's pid and gets the signals itself. The loopback address is all the network there is; what
  // killed processes leave in shared memory (libfaketime does) goes with it.
  const script = 'ip link set lo up && mount -t tmpfs tmpfs /dev/shm && exec "$0" "$@"';
  const args = ['--net', '--mount', '--propagation', 'private', '--', '/bin/sh', '-c', script, process.execPath, ...process.execArgv];
  const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  const env = { ...process.env, PATH: path, [mark]: '1', ...outside };
  const child = spawn(unshare, [...args, ...process.argv.slice(1)], { stdio: 'inherit', env });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, pass);
  return await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** What the environment names is out of reach in there. */
const outside = { DATABASE_URL: undefined, KAFKA_BROKERS: undefined, SLIPWAY_REGISTRY: undefined, DOCKER_HOST: undefined };
