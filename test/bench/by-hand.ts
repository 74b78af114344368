import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dockerApi } from '../../tools/parts/docker-api.ts';
import { removeContainer } from '../../tools/parts/images.ts';
import { freePort } from '../../tools/parts/ports.ts';
import { findCommand, startProcess } from '../../tools/parts/processes.ts';
import type { Place } from './place.ts';

const run = promisify(execFile);
const environments = ['test', 'pre-release', 'production'] as const;
export const stableSeconds = 1;

/** The way of a commit done by a shell script, with the proxies it swaps behind. */
export interface ByHand {
  /** Takes the head of the main line to production; gives the ms it took. */
  walk(url: string, page: string): Promise<number>;
}

/** Starts a proxy for each environment, as they stand in front of an application before its release too. */
export async function byHand(place: Place): Promise<ByHand> {
  const { dataDir, cleanup, names, parts } = place;
  const folder = await dataDir.folder('by-hand');
  const label = `${names.installation}.walk`;
  const docker = dockerApi(parts.docker.url);
  cleanup.defer('remove what the script deployed', async () => {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    for (const { Id } of await docker.call<{ Id: string }[]>('GET', `/containers/json?all=true&filters=${filters}`))
      await removeContainer(docker, Id);
    for (const { Id } of await docker.call<{ Id: string }[]>('GET', `/images/json?all=true&filters=${filters}`))
      await docker.call('DELETE', `/images/${Id}?force=true`, { allow: [404, 409] });
  });
  const admins: string[] = [];
  for (const environment of environments) {
    const [port, admin] = [await freePort(), await freePort()];
    admins.push(String(admin));
    const file = join(folder, `${environment}.cfg`);
    await writeFile(join(folder, `${environment}.port`), String(port));
    await writeFile(file, proxyConfig(port, admin));
    const proxy = await startProcess(dataDir, {
      name: `by-hand-${environment}`,
      command: findCommand('haproxy') ?? 'haproxy',
      args: ['-db', '-f', file],
    });
    cleanup.defer(`stop the proxy of ${environment}`, () => proxy.stop());
  }
  const script = join(import.meta.dirname, 'walk.sh');
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, HOME: folder, DOCKER_HOST: parts.docker.url, GIT_CONFIG_NOSYSTEM: '1' };
  return {
    walk: async (url, page) => {
      const begun = performance.now();
      const args = [script, folder, url, `${names.repository}-by-hand`, page, label, String(stableSeconds), ...admins];
      await run('bash', args, { env, timeout: 120_000 });
      return performance.now() - begun;
    },
  };
}

function proxyConfig(port: number, admin: number): string {
  return `global
  stats socket ipv4@127.0.0.1:${admin} level admin
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
listen app
  bind 127.0.0.1:${port}
  option redispatch
  retries 3
  server-template s 4 127.0.0.1:1 disabled
`;
}
