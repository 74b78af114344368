// What this machine is and has. Runs on the system's Node, before anything is installed: no dependencies here.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * Why nothing can run on a machine of this platform; undefined where it can. What a service deploys mounts files of the machine the service runs on
 * and is probed there, so that machine and the Docker Engine's must be one, and Linux.
 */
export function whyNotOn(platform = process.platform) {
  if (platform === 'linux') return undefined;
  const name = { darwin: 'macOS', win32: 'Windows' }[platform] ?? platform;
  const instead =
    platform === 'win32' ? 'WSL 2, with a Docker Engine inside it' : 'a Linux machine or a virtual one, with a Docker Engine inside it';
  return `Slipway runs on Linux only for now; this is ${name}. Nothing was installed. Run the same command in ${instead}: Docker Desktop's engine is on another machine than its files.`;
}

/** Where a command is on PATH or in the sbin folders; undefined when it is not installed. */
export function findCommand(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** True where packages can be installed by apt without asking anybody: as root on Debian, Ubuntu and the like. */
export function canInstallByApt() {
  return process.getuid?.() === 0 && isDebian() && findCommand('apt-get') !== undefined;
}

/** True on Debian, Ubuntu and their kin. */
export function isDebian() {
  return existsSync('/etc/os-release') && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/** True when a Docker Engine answers at DOCKER_HOST or one of the usual sockets. */
export async function dockerAnswers() {
  const named = process.env.DOCKER_HOST;
  if (named?.startsWith('tcp://')) return ping({ host: new URL(named).hostname, port: Number(new URL(named).port || 2375) });
  const runtime = process.env.XDG_RUNTIME_DIR;
  const usual = [
    '/var/run/docker.sock',
    runtime && join(runtime, 'docker.sock'),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.colima/default/docker.sock'),
  ];
  const sockets = named ? [named.replace(/^unix:\/\//, '')] : usual.filter((path) => path && existsSync(path));
  for (const socketPath of sockets) {
    if (await ping({ socketPath })) return true;
  }
  return false;
}

function ping(address) {
  return new Promise((resolve) => {
    const sent = request({ ...address, path: '/_ping', timeout: 5000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(false));
    sent.end();
  });
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
