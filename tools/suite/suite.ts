import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';
import type { Cleanup } from '../parts/cleanup.ts';
import type { DataDir } from '../parts/data-dir.ts';
import { tailOf, until } from '../parts/until.ts';
import type { SuiteEnvironment } from './environment.ts';
import { type Kept, keepRunning } from './keep-running.ts';
import { memorySettings } from './memory.ts';
import { mainOf, runnableServices } from './services.ts';

/** How the services are run. */
export interface SuiteWish {
  dataDir: DataDir;
  environment: SuiteEnvironment;
  /** Where the compiled services are, if not in this checkout. Without effect on `oneProcess`. */
  checkout?: string;
  /** All services in one process: a fifth of the memory, but one crash ends all. */
  oneProcess: boolean;
  cleanup: Cleanup;
  /** Told what a person running this should know: crashes and restarts. */
  tell: (message: string) => void;
  /** Told each time another service is ready. */
  onReady?: (service: Service, left: Service[]) => void;
  stillWorthIt: () => void;
}

/** The services that run. */
export interface Suite {
  readonly services: readonly Service[];
  readonly processes: readonly Kept[];
  /** Where a service writes its log. */
  logOf(service: Service): string;
}

const readyMs = 90_000;

/** Starts every service that is built and waits until each says that it is ready. They are stopped by `cleanup`. */
export async function startSuite(wish: SuiteWish): Promise<Suite> {
  const { dataDir, environment, oneProcess, tell } = wish;
  const services = runnableServices(wish.checkout);
  const processes: Kept[] = [];
  wish.cleanup.defer('stop the services', async () => {
    await Promise.all(processes.map((process) => process.stop()));
  });
  if (oneProcess) {
    processes.push(await keepRunning(dataDir, await allInOne(dataDir, environment, services), tell));
  } else {
    for (const service of services) {
      const spec = {
        name: service,
        command: process.execPath,
        args: [mainOf(service, wish.checkout)],
        env: environment.of(service),
        cwd: dataDir.path,
        graceMs: 12_000,
      };
      processes.push(await keepRunning(dataDir, spec, tell));
    }
  }
  const logOf = (service: Service): string => join(dataDir.logs, `${oneProcess ? 'slipway' : service}.log`);
  const left = new Set(services);
  await Promise.all(
    services.map(async (service) => {
      await waitUntilReady(service, environment, logOf(service), wish.stillWorthIt);
      left.delete(service);
      wish.onReady?.(service, [...left]);
    }),
  );
  return { services, processes, logOf };
}

/** Each service still has its own environment, which the one process reads from a file only it can read. */
async function allInOne(dataDir: DataDir, environment: SuiteEnvironment, services: readonly Service[]) {
  const file = join(dataDir.run, 'environments.private');
  await writeFile(file, JSON.stringify(Object.fromEntries(services.map((service) => [service, environment.of(service)]))), { mode: 0o600 });
  const program = join(import.meta.dirname, 'one-process.ts');
  const { PATH = '' } = environment.of('gateway');
  const env = { PATH, ...memorySettings, NODE_ENV: 'production' };
  return { name: 'slipway', command: process.execPath, args: [program, file], env, cwd: dataDir.path, graceMs: 15_000 };
}

async function waitUntilReady(service: Service, environment: SuiteEnvironment, log: string, stillWorthIt: () => void): Promise<void> {
  const url = `http://127.0.0.1:${environment.ports[service]}/health/ready`;
  try {
    await until(`${service} is ready`, () => isReady(url), { within: readyMs, every: 100, stillWorthIt });
  } catch (error) {
    stillWorthIt();
    throw new Error(`${(error as Error).message}\nThe end of ${log}:\n${await tailOf(log)}`);
  }
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
  const said = await answer.text();
  if (answer.status !== 200) throw new Error(said.slice(0, 600));
  return true;
}
