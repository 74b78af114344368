import type { ContainerInfo } from '@slipway/docker-engine';
import { TargetUnavailable } from '../port.js';
import { type Fact, isCutOff } from './facts.js';
import type { Making } from './instances.js';
import { notReached } from './observe.js';
import type { Settings } from './settings.js';

/** What was started less long ago is given time. */
const restMs = 10_000;

/**
 * Where the proxy gets no connection to instances that answer when asked directly, Docker's network between them is broken, which being started anew mends: the proxy, where it
 * reaches none and so serves nobody, and then, as where it reaches others, the instances, which nobody is served by. Throws `TargetUnavailable` then: no time of this counts against the release.
 */
export async function reconnect(
  { engine }: Settings,
  { configHash, deployment }: Pick<Making, 'configHash' | 'deployment'>,
  facts: readonly Fact[],
  proxy: ContainerInfo,
  signal: AbortSignal,
): Promise<void> {
  const cutOff = facts.filter((fact) => fact.digest === deployment.digest && fact.configHash === configHash && isCutOff(fact));
  const [first] = cutOff;
  if (first === undefined) return;
  const reachesNone = facts.every(({ server }) => server === undefined || /^(DOWN|MAINT)/.test(server.status));
  const olderThan = (time: number) => (info: ContainerInfo) => time - startOf(info) > restMs;
  const instances = cutOff.map(({ info }) => info).filter(olderThan(reachesNone ? startOf(proxy) : Date.now()));
  const broken = reachesNone && olderThan(Date.now())(proxy) ? [proxy] : instances;
  for (const { id } of broken) await engine.containers.restart(id, { graceSeconds: 1, signal });
  throw new TargetUnavailable('target', notReached(first.info.name));
}

function startOf({ startedAt }: ContainerInfo): number {
  return Date.parse(startedAt ?? '');
}
