import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';

/** The checkout. */
export const root = join(import.meta.dirname, '../..');

/** What a service's process starts with, in this checkout or a copy of it. */
export function mainOf(service: Service, checkout = root): string {
  return join(checkout, 'apps', service, 'dist', 'main.js');
}

/** The services whose program is not there (not built yet, or `npm run compile` was not run). */
export function missingServices(): Service[] {
  return services.filter((service) => !existsSync(mainOf(service)));
}

/** The services that can run, gateway first: it answers people while the others still start. */
export function runnableServices(checkout = root): Service[] {
  const there = services.filter((service) => existsSync(mainOf(service, checkout)));
  return [...there.filter((service) => service === 'gateway'), ...there.filter((service) => service !== 'gateway')];
}
