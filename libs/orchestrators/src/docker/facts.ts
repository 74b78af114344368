import type { ContainerInfo } from '@slipway/docker-engine';
import type { EnvironmentRef, HealthCheck } from '../deployment.js';
import type { Instance, InstanceState } from '../observed.js';
import { environmentLabels, isLeaving, isWhole, label } from './labels.js';
import type { Candidate } from './plan.js';
import type { ProbeRecord, Prober } from './probe.js';
import { ProxyAdmin, ProxyAway, type ServerState } from './proxy-admin.js';
import type { Settings } from './settings.js';

/** One instance as it was read: what the engine says, what its probe said and what the proxy does with it. */
export interface Fact {
  readonly info: ContainerInfo;
  readonly number: number;
  readonly digest: string;
  readonly configHash: string;
  readonly record: ProbeRecord;
  readonly member: boolean;
  readonly server?: ServerState;
}

export interface FactsQuery {
  readonly settings: Settings;
  readonly environment: EnvironmentRef;
  readonly prober: Prober;
  readonly health: HealthCheck | undefined;
  readonly members: ReadonlySet<string>;
  readonly socket: string;
  readonly signal?: AbortSignal;
}

/** What the proxy says of its servers, or that it does not answer. */
export async function readServers(socket: string): Promise<ServerState[] | undefined> {
  try {
    return await new ProxyAdmin(socket).servers();
  } catch (error) {
    if (error instanceof ProxyAway) return undefined;
    throw error;
  }
}

/** Reads all instances of an environment, with one fresh probe of each that runs. */
export async function readFacts(query: FactsQuery): Promise<Fact[]> {
  const { settings, environment, signal } = query;
  const labels = { ...environmentLabels(environment, settings.installation), [label.role]: 'instance' };
  const call = signal === undefined ? {} : { signal };
  const listed = await settings.engine.containers.list({ labels }, call);
  const [infos, servers] = await Promise.all([
    Promise.all(listed.map((one) => settings.engine.containers.inspect(one.id, call))),
    readServers(query.socket),
  ]);
  const there = infos.filter((info) => info !== undefined && info.status !== 'removing');
  return await Promise.all(there.map((info) => toFact(query, info as ContainerInfo, servers ?? [])));
}

async function toFact(query: FactsQuery, info: ContainerInfo, servers: readonly ServerState[]): Promise<Fact> {
  const { prober, settings } = query;
  const address = probeAddress(info, settings.probeHost);
  const key = runKey(info);
  const asks = info.status === 'running' && address !== undefined;
  const record = asks
    ? await prober.probe(key, address, healthOf(info, query.health), query.signal)
    : { failures: 0, probes: prober.last(key).probes };
  // One that is leaving may still be there by the name of another that was made since.
  const server = servers.find(
    (one) => one.name === info.name && one.address === `${info.labels[label.address]}:${info.labels[label.appPort]}`,
  );
  return {
    info,
    number: Number(info.labels[label.number] ?? 0),
    // What it was made from, not what a label claims.
    digest: info.image.split('@')[1] ?? '',
    configHash: info.labels[label.config] ?? '',
    record,
    member: query.members.has(info.name),
    ...(server && { server }),
  };
}

/** One run of a container: another after every restart. */
export function runKey(info: ContainerInfo): string {
  return `${info.id} ${info.startedAt ?? ''}`;
}

/** Asked at its own path, whatever release comes next. */
function healthOf(info: ContainerInfo, wanted: HealthCheck | undefined): HealthCheck | undefined {
  const path = info.labels[label.health] ?? '';
  return path === '' ? undefined : { everyMs: 2000, timeoutMs: 1000, graceMs: 30_000, ...wanted, http: path };
}

/** Where the probe port of an instance is reached; it changes whenever the container starts. */
export function probeAddress(info: ContainerInfo, host: string): { host: string; port: number } | undefined {
  const port = Number(info.labels[label.appPort]);
  const published = info.ports.find((one) => one.container === port && one.protocol === 'tcp' && one.host > 0);
  return published && { host, port: published.host };
}

/** Milliseconds since a run became healthy and stayed so; 0 when it is not. */
export function healthyFor(record: ProbeRecord): number {
  return record.healthySince === undefined ? 0 : performance.now() - record.healthySince;
}

function trafficOf(fact: Fact): Candidate['traffic'] {
  const status = fact.server?.status ?? '';
  if (/^(UP|no check)/.test(status)) return 'up';
  if (/^DRAIN/.test(status)) return 'draining';
  return status.startsWith('DOWN') || status.startsWith('NOLB') ? 'down' : 'out';
}

/** False until the proxy itself has had an answer, where it asks: it takes one that is new to it for well until its first check, and for down as soon as that fails. */
function isReached({ server }: Fact): boolean {
  return server !== undefined && (server.check !== 'INI' || server.status.startsWith('no check'));
}

/** Whether the proxy gets a connection to it, as its last check says; closed too where it sends nothing. */
export function wayTo({ server }: Fact): 'open' | 'closed' | 'unknown' {
  if (server === undefined || server.status.startsWith('MAINT')) return 'closed';
  if (/^L(4OK|6|7)/.test(server.check)) return 'open';
  return server.check.startsWith('L4') ? 'closed' : 'unknown';
}

/** How long the proxy may be without a connection to an instance that answers us. Neither of the two is judged sooner after its start. */
const cutOffAfterMs = 5000;

/** It answers when asked directly and the proxy gets no connection to it: that is trouble of the target. An application that is unwell turns down both. */
export function isCutOff(fact: Fact): boolean {
  const { record, server } = fact;
  const answers = record.probes.at(-1)?.status !== undefined && healthyFor(record) >= cutOffAfterMs;
  const downForMs = server?.status.startsWith('DOWN') ? server.forMs : 0;
  return answers && wayTo(fact) === 'closed' && downForMs >= cutOffAfterMs;
}

/** The fact as the plan wants it. `drainingSince` is by our own monotonic clock. */
export function toCandidate(
  fact: Fact,
  goal: { digest: string; configHash: string },
  drainingSince: ReadonlyMap<string, number>,
): Candidate {
  const since = drainingSince.get(fact.info.id);
  const { status, running } = fact.info;
  const run = status === 'restarting' ? 'waiting' : running ? 'running' : status === 'created' ? 'never-started' : 'stopped';
  const traffic = trafficOf(fact);
  return {
    name: fact.info.name,
    number: fact.number,
    matches: fact.digest === goal.digest && fact.configHash === goal.configHash && isWhole(fact.info) && !isLeaving(fact.info),
    run,
    healthy: run === 'running' && fact.record.healthySince !== undefined,
    healthyForMs: healthyFor(fact.record),
    member: fact.member,
    traffic: traffic === 'down' && since !== undefined ? 'draining' : traffic,
    reached: isReached(fact),
    sessions: fact.server?.sessions ?? 0,
    drainingForMs: since === undefined ? 0 : performance.now() - since,
  };
}

/** The fact as everybody else wants it. */
export function toInstance(fact: Fact, settings: Settings): Instance {
  const { info, record } = fact;
  const address = probeAddress(info, settings.probeHost);
  const healthy = info.status === 'running' && record.healthySince !== undefined;
  const last = record.probes.at(-1);
  const ended = info.status !== 'running' && info.finishedAt !== undefined;
  return {
    name: info.name,
    id: info.id,
    state: stateOf(fact, healthy),
    healthy,
    healthyForMs: Math.round(healthy ? healthyFor(record) : 0),
    runningForMs: info.status === 'running' && info.startedAt !== undefined ? Math.max(0, Date.now() - Date.parse(info.startedAt)) : 0,
    failures: record.failures,
    ...(last && { probe: last }),
    ...(address && { address: `${address.host}:${address.port}` }),
    digest: fact.digest,
    release: info.labels[label.release] ?? '',
    attempt: Number(info.labels[label.attempt] ?? 0),
    configHash: fact.configHash,
    inService: fact.member && trafficOf(fact) === 'up' && isReached(fact),
    restarts: info.restartCount,
    // While it runs the engine says 0, which means nothing.
    ...(ended && { exitCode: info.exitCode }),
    ...(info.oomKilled && { outOfMemory: true }),
  };
}

function stateOf(fact: Fact, healthy: boolean): InstanceState {
  const { status } = fact.info;
  if (status === 'created' || status === 'restarting') return 'waiting';
  if (status !== 'running') return 'stopped';
  if (healthy) return 'healthy';
  return fact.record.probes.some((probe) => probe.ok) ? 'unhealthy' : 'starting';
}
