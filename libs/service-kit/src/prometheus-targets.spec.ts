import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PrometheusTarget } from './prometheus-targets.js';

describe('what Prometheus is told', () => {
  let dataDir: string;
  const at = (port: number) => ({ dataDir, service: 'approval' as const, host: '127.0.0.1', port });
  const files = async () => (await readdir(join(dataDir, 'prometheus'))).sort();
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'slipway-targets-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  it('is where the replica answers, as long as it runs', async () => {
    const target = await PrometheusTarget.write(at(8084));
    expect(await files()).toEqual([`approval-${process.pid}-8084.json`]);
    const [group] = JSON.parse(await readFile(join(dataDir, 'prometheus', `approval-${process.pid}-8084.json`), 'utf8'));
    expect(group).toMatchObject({ targets: ['127.0.0.1:8084'], labels: { job: 'slipway', service: 'approval' } });
    await target.remove();
    expect(await files()).toEqual([]);
  });

  it('has a file for each replica, also for two in one process', async () => {
    await PrometheusTarget.write(at(8084));
    await PrometheusTarget.write(at(40123));
    expect(await files()).toEqual([`approval-${process.pid}-40123.json`, `approval-${process.pid}-8084.json`].sort());
  });

  it('forgets replicas of this machine that were killed, and only those', async () => {
    const folder = join(dataDir, 'prometheus');
    await mkdir(folder);
    const group = (host: string) => JSON.stringify([{ targets: ['x:1'], labels: { __meta_slipway_host: host } }]);
    await writeFile(join(folder, 'approval-4194301.json'), group(hostname()));
    await writeFile(join(folder, 'approval-4194302.json'), group('elsewhere'));
    await writeFile(join(folder, 'gateway-4194301.json'), group(hostname()));
    await PrometheusTarget.write(at(8084));
    expect(await files()).toEqual([`approval-${process.pid}-8084.json`, 'approval-4194302.json', 'gateway-4194301.json'].sort());
  });
});
