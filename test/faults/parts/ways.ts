import { readFile } from 'node:fs/promises';
import { type Service, services } from '@slipway/contracts';
import { freePorts } from '../../../tools/parts/ports.ts';
import type { FaultProxy, Toxiproxy } from '../../../tools/parts/toxiproxy.ts';

/** The parts a service reaches by a way of its own; the registry's address is part of every image's name, so its way is everybody's. */
export const partsApart = ['postgres', 'kafka', 'docker'] as const;
export type PartApart = (typeof partsApart)[number];

/** Every way from the services to the parts: each a proxy, so that one service can be cut off alone. */
export interface Ways {
  readonly of: Readonly<Record<Service, Readonly<Record<PartApart, FaultProxy>>>>;
  readonly registry: FaultProxy;
  /** All to one part. */
  to(part: PartApart): FaultProxy[];
  all(): FaultProxy[];
}

/** Where the ways end: `host:port` of each part; Kafka has a listener for each service, for it tells its clients where it is. */
export interface Ends {
  readonly postgres: string;
  readonly docker: string;
  readonly registry: string;
  readonly kafka: Readonly<Record<Service, string>>;
}

/** The ports of the ways, before there are any: some parts must be told. */
export type WayPorts = Readonly<Record<Service, Readonly<Record<PartApart, number>>>> & { readonly registry: number };

/** So many that nobody listens at. */
export async function portsOfWays(): Promise<WayPorts> {
  const free = await freePorts(services.length * partsApart.length + 1);
  const next = (): number => free.pop() as number;
  const of = Object.fromEntries(services.map((service) => [service, { postgres: next(), kafka: next(), docker: next() }]));
  return { ...(of as Record<Service, Record<PartApart, number>>), registry: next() };
}

/** Opens them all. */
export async function openWays(toxiproxy: Toxiproxy, ports: WayPorts, ends: Ends): Promise<Ways> {
  const of = {} as Record<Service, Record<PartApart, FaultProxy>>;
  for (const service of services) {
    const open = (part: PartApart) =>
      toxiproxy.proxy(`${part} of ${service}`, part === 'kafka' ? ends.kafka[service] : ends[part], ports[service][part]);
    of[service] = { postgres: await open('postgres'), kafka: await open('kafka'), docker: await open('docker') };
  }
  const registry = await toxiproxy.proxy('registry', ends.registry, ports.registry);
  const to = (part: PartApart): FaultProxy[] => services.map((service) => of[service][part]);
  return { of, registry, to, all: () => [...partsApart.flatMap(to), registry] };
}

/** How many connections are open to these proxies now, as the kernel knows it: who suffers from what is done to them. */
export async function openThrough(proxies: readonly FaultProxy[]): Promise<number> {
  const ports = new Set(proxies.map(({ port }) => port.toString(16).toUpperCase().padStart(4, '0')));
  const table = await readFile('/proc/self/net/tcp', 'utf8').catch(() => '');
  const established = '01';
  return table.split('\n').filter((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === established && ports.has(local.slice(local.indexOf(':') + 1));
  }).length;
}

/** Does one thing to each of these at once. */
export async function each(proxies: readonly FaultProxy[], act: (proxy: FaultProxy) => Promise<void>): Promise<void> {
  await Promise.all(proxies.map(act));
}
