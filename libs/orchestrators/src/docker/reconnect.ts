import type { ContainerInfo } from '@slipway/docker-engine';
import { TargetUnavailable } from '../port.js';
import { type Fact, isCutOff, wayTo } from './facts.js';
import type { Making } from './instances.js';
import { notReached } from './observe.js';

/** One end of the way from the proxy to the instances. */
export type End = 'proxy' | 'instances';

/**
 * Where the proxy gets no connection to instances that answer when asked directly, Docker's network between them is broken, which being started anew mends: one end of it and, where
 * that did not help, the other. `tried` is the end that was started last, by network. Throws `TargetUnavailable` then: no time of this counts against the release.
 */
export async function reconnect(
  { settings, deployment, configHash, network, signal }: Making,
  facts: readonly Fact[],
  proxy: ContainerInfo,
  tried: Map<string, End>,
): Promise<void> {
  const cutOff = facts.filter((fact) => fact.digest === deployment.digest && fact.configHash === configHash && isCutOff(fact));
  const [first] = cutOff;
  if (first === undefined) return;
  const end = nextEnd(facts, tried.get(network.name));
  tried.set(network.name, end);
  const broken = end === 'proxy' ? [proxy] : cutOff.map(({ info }) => info);
  for (const { id } of broken) await settings.engine.containers.restart(id, { graceSeconds: 1, signal });
  throw new TargetUnavailable('target', notReached(first.info.name));
}

/** Nobody is served by an instance that is cut off. The proxy is left alone while it serves somebody, and comes second where that is not known. */
export function nextEnd(facts: readonly Fact[], tried: End | undefined): End {
  const ways = new Set(facts.map(wayTo));
  if (ways.has('open')) return 'instances';
  const first: End = ways.has('unknown') ? 'instances' : 'proxy';
  if (tried === undefined) return first;
  return tried === 'proxy' ? 'instances' : 'proxy';
}
