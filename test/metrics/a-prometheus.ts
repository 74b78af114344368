import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort } from '@slipway/testkit';
import { parse, stringify } from 'yaml';
import { prometheusFolder } from './shipped.ts';

/** One line of what a query gave. */
export interface Sample {
  readonly metric: Record<string, string>;
  readonly value: number;
}

/** A real Prometheus with the configuration we ship, but for where targets are written and how often they are asked. */
export class Prometheus {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly url: string,
  ) {}

  /** `dataDir` is the data folder of the services: their targets lie in prometheus/ below it. */
  static async start(dataDir: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-prometheus-'));
    await cp(prometheusFolder, folder, { recursive: true });
    const port = await freePort();
    const config = parse(await readFile(join(folder, 'prometheus.yml'), 'utf8'));
    config.global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
    for (const job of config.scrape_configs) {
      for (const sd of job.file_sd_configs ?? []) {
        sd.files = sd.files.map((name: string) => name.replace('/var/lib/slipway', dataDir));
        sd.refresh_interval = '1s';
      }
      for (const fixed of job.static_configs ?? []) fixed.targets = [`127.0.0.1:${port}`];
    }
    await writeFile(join(folder, 'prometheus.yml'), stringify(config));
    const address = `127.0.0.1:${port}`;
    const flags = [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--log.level=error'];
    const process = spawn('prometheus', [...flags, `--web.listen-address=${address}`], { stdio: ['ignore', 'ignore', 'inherit'] });
    const prometheus = new Prometheus(process, folder, `http://${address}`);
    await eventually(async () => (await fetch(`${prometheus.url}/-/ready`).catch(() => undefined))?.ok ?? false, { within: 20_000 });
    return prometheus;
  }

  /** Runs an instant query. @throws Error with what Prometheus says is wrong with it. */
  async query(expr: string): Promise<Sample[]> {
    const { result, resultType } = await this.ask<{
      resultType: string;
      result: { metric: Record<string, string>; value: [number, string] }[];
    }>(`query?query=${encodeURIComponent(expr)}`);
    if (resultType !== 'vector') throw new Error(`${expr} gives a ${resultType}`);
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** The one number a query gives; NaN where it gives nothing. */
  async number(expr: string): Promise<number> {
    return (await this.query(expr))[0]?.value ?? Number.NaN;
  }

  /** Every metric family seen in a scrape, with its type: also those that have no series yet. */
  async families(): Promise<Map<string, string>> {
    const told = await this.ask<Record<string, { type: string }[]>>('metadata');
    return new Map(Object.entries(told).map(([name, [first]]) => [name, first?.type ?? '']));
  }

  /** What is wrong with rules that were evaluated, by name. */
  async faultyRules(): Promise<string[]> {
    const { groups } = await this.ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    if (rules.length === 0) return ['no rule is loaded'];
    return rules.filter(({ health }) => health !== 'ok').map(({ name, health, lastError }) => `${name}: ${lastError ?? health}`);
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await gone;
    await rm(this.folder, { recursive: true, force: true });
  }

  private async ask<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1/${path}`, { signal: AbortSignal.timeout(10_000) });
    const said = (await answer.json()) as { status: string; error?: string; data: T };
    if (said.status !== 'success') throw new Error(said.error);
    return said.data;
  }
}
