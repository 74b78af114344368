import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { z } from 'zod';
import type { Session } from '../session.js';
import { checkChannels } from './channel-checks.js';
import { type Finding, failed, ok, skipped } from './finding.js';
import { ask, missingIn } from './gateway-checks.js';
import { checkWork } from './work-checks.js';

const Targets = z.array(z.object({ targets: z.array(z.string()), labels: z.object({ service: z.string() }) }));
/** Where a service answers, `host:port`. */
export interface Place {
  readonly service: string;
  readonly address: string;
}

/** Every service's own /health/ready, where its address is known here: from the data folder, or the usual ports on this machine. */
export async function checkServices(session: Session, dataDir: string): Promise<Finding[]> {
  const told = await written(dataDir);
  const places = told.length > 0 ? told : await usual(session);
  if (places.length === 0) return [skipped('services', 'their ports are not known here; run doctor on the machine of the services')];
  return [...(await Promise.all(places.map(check))), ...(await checkWork(places)), ...(await checkChannels(places))];
}

/** What running services wrote for Prometheus. */
async function written(dataDir: string): Promise<Place[]> {
  const folder = join(dataDir, 'prometheus');
  const names = await readdir(folder).catch(() => []);
  const places = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => placesIn(join(folder, name))));
  return places.flat();
}

async function placesIn(file: string): Promise<Place[]> {
  try {
    const groups = Targets.parse(JSON.parse(await readFile(file, 'utf8')));
    return groups.flatMap(({ targets, labels }) => targets.map((address) => ({ service: labels.service, address })));
  } catch {
    // Gone since the folder was read, or not ours: nothing to look at.
    return [];
  }
}

async function usual(session: Session): Promise<Place[]> {
  const url = await session.url().then(
    ({ value }) => new URL(value),
    () => undefined,
  );
  if (url === undefined || url.port !== '8080' || !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) return [];
  const others = services.filter((service): service is Exclude<Service, 'gateway'> => service !== 'gateway');
  return others.map((service, index) => ({ service, address: `${url.hostname}:${8081 + index}` }));
}

async function check({ service, address }: Place): Promise<Finding> {
  const name = `${service} ready`;
  const answered = await ask(`http://${address}/health/ready`);
  if ('failure' in answered)
    return failed(name, `${address} does not answer: ${answered.failure}`, `start ${service}, and look into its log`);
  if (answered.status === 200) return ok(name, `${address} is ready`);
  return failed(name, `${address}: ${missingIn(answered.text)}`, 'bring back what it names; it goes on by itself then');
}
