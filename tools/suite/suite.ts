import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';
import type { Cleanup } from '../parts/cleanup.ts';
import type { DataDir } from '../parts/data-dir.ts';
import type { ProcessSpec } from '../parts/processes.ts';
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
  /** The same of single replicas; of `checkout` where it gives nothing. Without effect on `oneProcess`. */
  checkoutOf?: ((service: Service, replica: number) => string | undefined) | undefined;
  /** Which replicas run at all; every one by default. Without effect on `oneProcess`. */
  runs?: ((service: Service, replica: number) => boolean) | undefined;
  /** All services in one process: a fifth of the memory, but one crash ends all. */
  oneProcess: boolean;
  cleanup: Cleanup;
  /** Told what a person running this should know: crashes and restarts. */
  tell: (message: string) => void;
  /** Told each time another service is ready, with all of its replicas. */
  onReady?: (service: Service, left: Service[]) => void;
  stillWorthIt: () => void;
}

/** One process of a service. */
export interface SuiteReplica {
  readonly service: Service;
  /** From 1. */
  readonly number: number;
  readonly url: string;
  readonly process: Kept;
}

/** The services that run. */
export interface Suite {
  readonly services: readonly Service[];
  readonly processes: readonly Kept[];
  readonly replicas: readonly SuiteReplica[];
  /** Where a service writes its log. */
  logOf(service: Service, replica?: number): string;
}

const readyMs = 90_000;

/** Starts every service that is built and waits until each says that it is ready. They are stopped by `cleanup`. */
export async function startSuite(wish: SuiteWish): Promise<Suite> {
  const { dataDir, environment, oneProcess, tell } = wish;
  const services = runnableServices(wish.checkout);
  const processes: Kept[] = [];
  const replicas: SuiteReplica[] = [];
  wish.cleanup.defer('stop the services', async () => {
    await Promise.all(processes.map((process) => process.stop()));
  });
  const run = async (spec: ProcessSpec): Promise<Kept> => {
    const process = await keepRunning(dataDir, spec, tell);
    processes.push(process);
    return process;
  };
  for (let number = 1; number <= environment.replicas; number += 1) {
    const shared = oneProcess ? await run(await allInOne(dataDir, environment, services, number)) : undefined;
    for (const service of services) {
      if (!oneProcess && wish.runs?.(service, number) === false) continue;
      const process = shared ?? (await run(onItsOwn(wish, service, number)));
      replicas.push({ service, number, url: environment.urlOf(service, number), process });
    }
  }
  const logOf = (service: Service, number = 1): string => join(dataDir.logs, `${nameOf(oneProcess ? 'slipway' : service, number)}.log`);
  const left = new Set(services);
  await Promise.all(
    services.map(async (service) => {
      const own = replicas.filter((replica) => replica.service === service);
      await Promise.all(own.map((replica) => waitUntilReady(replica, logOf(service, replica.number), wish.stillWorthIt)));
      left.delete(service);
      wish.onReady?.(service, [...left]);
    }),
  );
  return { services, processes, replicas, logOf };
}

/** Each service still has its own environment, which the one process reads from a file only it can read. */
/** Of processes and their logs. */
function nameOf(service: string, replica: number): string {
  return replica === 1 ? service : `${service}-${replica}`;
}

function onItsOwn({ dataDir, environment, checkout, checkoutOf }: SuiteWish, service: Service, replica: number): ProcessSpec {
  const env = environment.of(service, replica);
  const args = [mainOf(service, checkoutOf?.(service, replica) ?? checkout)];
  return { name: nameOf(service, replica), command: process.execPath, args, env, cwd: dataDir.path, graceMs: 12_000 };
}

async function allInOne(
  dataDir: DataDir,
  environment: SuiteEnvironment,
  services: readonly Service[],
  replica: number,
): Promise<ProcessSpec> {
  const name = nameOf('slipway', replica);
  const file = join(dataDir.run, `environments${name.slice('slipway'.length)}.private`);
  const environments = Object.fromEntries(services.map((service) => [service, environment.of(service, replica)]));
  await writeFile(file, JSON.stringify(environments), { mode: 0o600 });
  const program = join(import.meta.dirname, 'one-process.ts');
  const { PATH = '' } = environment.of('gateway');
  const env = { PATH, ...memorySettings, NODE_ENV: 'production' };
  return { name, command: process.execPath, args: [program, file], env, cwd: dataDir.path, graceMs: 15_000 };
}

async function waitUntilReady({ service, url }: SuiteReplica, log: string, stillWorthIt: () => void): Promise<void> {
  try {
    await until(`${service} is ready`, () => isReady(`${url}/health/ready`), { within: readyMs, every: 100, stillWorthIt });
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
