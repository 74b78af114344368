import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
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

/** Who asked something a second ago is in the middle of it, or goes on with it. */
const inUseMs = 1_000;

/**
 * How many connections through these proxies were used for a question within the last so many ms, as the kernel knows it: who suffers from what is done to them. One that is
 * kept for later does not.
 */
export async function inUse(proxies: readonly FaultProxy[], withinMs = inUseMs): Promise<number> {
  return (await connections(proxies)).filter((lastAsked) => lastAsked <= withinMs).length;
}

/** How many connections through these proxies are open now. */
export async function openThrough(proxies: readonly FaultProxy[]): Promise<number> {
  return (await connections(proxies)).length;
}

/** Of each open connection, how many ms ago something came from the client. */
async function connections(proxies: readonly FaultProxy[]): Promise<number[]> {
  const ports = proxies.map(({ port }) => `sport = :${port}`).join(' or ');
  // One line a connection.
  const { stdout } = await promisify(execFile)('ss', ['-HtniO', 'state', 'established', `( ${ports} )`], {
    timeout: 5_000,
    maxBuffer: 1 << 24,
  });
  return stdout
    .split('\n')
    .flatMap((line) => /\blastrcv:(\d+)/.exec(line)?.[1] ?? [])
    .map(Number);
}

/** Does one thing to each of these at once. */
export async function each(proxies: readonly FaultProxy[], act: (proxy: FaultProxy) => Promise<void>): Promise<void> {
  await Promise.all(proxies.map(act));
}
