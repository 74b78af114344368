import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findCommand } from './processes.ts';

const run = promisify(execFile);
const callMs = 10_000;

/** Removes a folder of a Docker Engine of ours, with the containers and the mounts (the host's network namespace, layers) that it left behind there. */
export async function removeEngineFolder(dir: string): Promise<void> {
  await endContainerProcesses(dir);
  await unmountUnder(dir);
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** Unmounts what is mounted under a folder. Deepest first. */
async function unmountUnder(dir: string): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const points = table
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length);
  for (const point of points) await run('umount', ['--lazy', '--', point], { timeout: callMs }).catch(() => undefined);
}

/**
 * Ends the container shims (and with them the containers) of a Docker Engine of ours that was killed: those whose command line names a file under
 * this folder, which nobody else uses.
 */
async function endContainerProcesses(dir: string): Promise<void> {
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const isShim = words[0]?.includes('containerd-shim') === true || words[0]?.endsWith('containerd') === true;
    if (!isShim || !words.some((word) => word.startsWith(`${dir}/`))) continue;
    for (const child of await childrenOf(pid)) kill(child);
    kill(Number(pid));
  }
}

/** What the host's network was like before our own Docker Engine started. */
interface NetworkState {
  hadDocker: boolean;
  links: string[];
  forwarding: string | undefined;
  policy: string | undefined;
}

const stateFile = 'network-before.json';

/** Writes down what the host's network is like, before our own Docker Engine with its data in this folder starts. */
export async function rememberNetwork(dir: string): Promise<void> {
  const rules = await iptablesSave();
  const links = await networkLinks();
  const state: NetworkState = {
    hadDocker: rules.includes('DOCKER') || links.includes('docker0'),
    links,
    forwarding: (await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8').catch(() => undefined))?.trim(),
    policy: /^:FORWARD (\w+)/m.exec(tableOf(rules, 'filter'))?.[1],
  };
  await writeFile(join(dir, stateFile), JSON.stringify(state));
}

/**
 * Takes away the bridges and the firewall rules that our own Docker Engine added to the host's network: an Engine leaves them behind when it stops.
 * What an Engine before it added stays.
 */
export async function restoreNetwork(dir: string): Promise<void> {
  const text = await readFile(join(dir, stateFile), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const before = JSON.parse(text) as NetworkState;
  const rules = await iptablesSave();
  const added = (await networkLinks()).filter((link) => /^(docker0|br-[0-9a-f]{12})$/.test(link) && !before.links.includes(link));
  for (const table of ['nat', 'filter']) await removeDockerRules(table, tableOf(rules, table), added, !before.hadDocker);
  for (const link of added) await run('ip', ['link', 'delete', link], { timeout: callMs }).catch(() => undefined);
  if (!before.hadDocker) {
    if (before.policy !== undefined) await run('iptables', ['-P', 'FORWARD', before.policy], { timeout: callMs }).catch(() => undefined);
    if (before.forwarding === '0') await writeFile('/proc/sys/net/ipv4/ip_forward', '0').catch(() => undefined);
  }
  await rm(join(dir, stateFile), { force: true });
}

/** Removes the rules of these bridges, and with `chains` also Docker's own chains and the rules that lead to them. */
async function removeDockerRules(table: string, rules: string, links: string[], chains: boolean): Promise<void> {
  const iptables = (...args: string[]): Promise<unknown> =>
    run('iptables', ['-t', table, ...args], { timeout: callMs }).catch(() => undefined);
  const isOurs = (rule: string): boolean => (chains && / DOCKER/.test(rule)) || links.some((link) => rule.split(' ').includes(link));
  for (const rule of rules.split('\n').filter((line) => line.startsWith('-A ') && isOurs(line))) {
    await iptables('-D', ...rule.slice(3).split(' '));
  }
  if (!chains) return;
  for (const [, chain] of rules.matchAll(/^:(DOCKER\S*)/gm)) {
    await iptables('-F', chain as string);
    await iptables('-X', chain as string);
  }
}

async function networkLinks(): Promise<string[]> {
  const table = await readFile('/proc/net/dev', 'utf8').catch(() => '');
  return [...table.matchAll(/^\s*([^:\s]+):/gm)].map(([, link]) => link as string);
}

async function iptablesSave(): Promise<string> {
  if (findCommand('iptables-save') === undefined) return '';
  return (await run('iptables-save', [], { timeout: callMs }).catch(() => ({ stdout: '' }))).stdout;
}

function tableOf(rules: string, table: string): string {
  return rules.split(/^\*/m).find((part) => part.startsWith(`${table}\n`)) ?? '';
}

async function childrenOf(pid: string): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone in the meantime
  }
}
