import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';

/** A label Prometheus drops after relabelling; tells which machine's process ids these are. */
const hostLabel = '__meta_slipway_host';

/** Tells Prometheus (file_sd) where this replica's metrics are, and takes that back when it stops. */
export class PrometheusTarget {
  private constructor(private readonly file: string) {}

  /** Writes `<folder>/prometheus/<service>-<pid>-<port>.json` whole or not at all; first removes what killed replicas of the service left there. */
  static async write(at: { dataDir: string; service: Service; host: string; port: number }): Promise<PrometheusTarget> {
    const folder = join(at.dataDir, 'prometheus');
    await mkdir(folder, { recursive: true });
    await removeLeftovers(folder, at.service);
    const reachable = at.host === '0.0.0.0' || at.host === '::' ? hostname() : at.host;
    const address = `${reachable.includes(':') ? `[${reachable}]` : reachable}:${at.port}`;
    const groups = [{ targets: [address], labels: { job: 'slipway', service: at.service, [hostLabel]: hostname() } }];
    const replica = process.pid === 1 ? hostname() : process.pid; // every container's service is process 1
    const file = join(folder, `${at.service}-${replica}-${at.port}.json`);
    await writeFile(`${file}.new`, `${JSON.stringify(groups, null, 2)}\n`);
    await rename(`${file}.new`, file);
    return new PrometheusTarget(file);
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }
}

async function removeLeftovers(folder: string, service: Service): Promise<void> {
  for (const name of await readdir(folder)) {
    const found = /^(.+?)-(\d+)(-\d+)?\.json$/.exec(name);
    if (found?.[1] !== service || isAlive(Number(found[2]))) continue;
    const file = join(folder, name);
    if (await isOurs(file)) await rm(file, { force: true });
  }
}

async function isOurs(file: string): Promise<boolean> {
  try {
    const [group] = JSON.parse(await readFile(file, 'utf8')) as { labels?: Record<string, string> }[];
    return group?.labels?.[hostLabel] === hostname();
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
