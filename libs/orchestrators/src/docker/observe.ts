import { createHash } from 'node:crypto';
import type { ContainerInfo } from '@slipway/docker-engine';
import type { EnvironmentRef } from '../deployment.js';
import type { Drift, Instance, Observed } from '../observed.js';
import { configHash } from './config-hash.js';
import type { AppliedDeployment, EnvironmentFiles, Memory } from './environment-files.js';
import { type Fact, isCutOff, readFacts, readServers, toInstance } from './facts.js';
import { isWhole, label } from './labels.js';
import type { Prober } from './probe.js';
import { findProxy, stablePortOf } from './proxy.js';
import type { Settings } from './settings.js';

/** What `apply` read at its last look and found nothing to do about: it needs no second look. */
export interface Looked {
  readonly facts: readonly Fact[];
  readonly proxy: ContainerInfo;
}

/** What runs in an environment right now. */
export async function observe(
  settings: Settings,
  files: EnvironmentFiles,
  prober: Prober,
  environment: EnvironmentRef,
  signal?: AbortSignal,
  looked?: Looked,
): Promise<Observed> {
  const memory = await files.remembered();
  const members = new Set(memory?.members);
  const health = memory?.deployment.app.health;
  const query = { settings, environment, prober, health, members, socket: files.socket, ...(signal && { signal }) };
  const [facts, found] = looked
    ? [looked.facts, looked.proxy]
    : await Promise.all([readFacts(query), findProxy(settings, environment, signal)]);
  const proxy = found !== undefined && 'id' in found ? found : undefined;
  const instances = facts.map((fact) => toInstance(fact, settings)).toSorted((a, b) => a.name.localeCompare(b.name));
  const port = proxy && stablePortOf(proxy);
  return {
    environment,
    exists: facts.length > 0 || proxy !== undefined,
    ...sameOf(instances, memory),
    instances,
    wanted: memory?.deployment.instances ?? instances.length,
    ready: instances.filter((instance) => instance.healthy && instance.inService).length,
    ...(port !== undefined && { address: `http://${settings.address}:${port}` }),
    version: versionOf(facts, proxy),
    drift: memory?.converged ? await driftOf(memory.deployment, facts, proxy, files) : [],
  };
}

function sameOf(instances: readonly Instance[], memory: Memory | undefined): Pick<Observed, 'digest' | 'release' | 'configHash'> {
  const [first] = instances;
  if (first === undefined) return {};
  const sameDigest = instances.every((instance) => instance.digest === first.digest);
  const sameConfig = instances.every((instance) => instance.configHash === first.configHash);
  const release = memory?.converged ? memory.deployment.release : undefined;
  return {
    ...(sameDigest && { digest: first.digest }),
    ...(sameConfig && { configHash: first.configHash }),
    ...(sameDigest && sameConfig && release !== undefined && { release }),
  };
}

function versionOf(facts: readonly Fact[], proxy: ContainerInfo | undefined): string {
  const runs = facts.map((fact) => [fact.info.id, fact.info.startedAt, fact.info.status, fact.member].join(' ')).toSorted();
  return createHash('sha256')
    .update([...runs, proxy?.id, proxy?.startedAt].join('\n'))
    .digest('hex')
    .slice(0, 16);
}

async function driftOf(
  applied: AppliedDeployment,
  facts: readonly Fact[],
  proxy: ContainerInfo | undefined,
  files: EnvironmentFiles,
): Promise<Drift[]> {
  const wanted = configHash(applied);
  const drift: Drift[] = [];
  let good = 0;
  for (const { info, digest, configHash: has } of facts) {
    const instance = info.name;
    if (digest !== applied.digest) drift.push({ kind: 'digest', instance, detail: `runs ${digest}, approved is ${applied.digest}` });
    else if (has !== wanted)
      drift.push({ kind: 'configuration', instance, detail: `was made with configuration ${has}, approved is ${wanted}` });
    else if (!isWhole(info))
      drift.push({
        kind: 'configuration',
        instance,
        detail: `is not at its address ${info.labels[label.address]}: Docker kept it half made`,
      });
    else if (!info.running && info.status !== 'restarting')
      drift.push({ kind: 'stopped', instance, detail: `ended with exit code ${info.exitCode} and does not come back by itself` });
    else good += 1;
  }
  const stopped = drift.filter((one) => one.kind === 'stopped').length;
  if (good + stopped < applied.instances)
    drift.push({ kind: 'missing', detail: `${good + stopped} of ${applied.instances} instances are there` });
  if (good > applied.instances)
    drift.push({ kind: 'unknown-instance', detail: `${good} instances run, ${applied.instances} were asked for` });
  if (proxy === undefined || !proxy.running)
    drift.push({ kind: 'proxy', detail: proxy === undefined ? 'the proxy is gone' : 'the proxy does not run' });
  else if ((await readServers(files.socket)) === undefined) drift.push({ kind: 'proxy', detail: 'the proxy does not answer' });
  for (const { info } of facts.filter(isCutOff)) drift.push({ kind: 'proxy', detail: notReached(info.name) });
  return drift;
}

/** Of one that is cut off, in words for people. */
export function notReached(instance: string): string {
  return `the proxy does not reach ${instance}, which answers when asked directly`;
}
