import { Conflict, EngineError, type NetworkInfo } from '@slipway/docker-engine';
import type { EnvironmentRef } from '../deployment.js';
import type { Refusal } from '../observed.js';
import { belongsTo, environmentLabels, stem } from './labels.js';
import type { Settings } from './settings.js';

/** Says that the network's subnet was given, so that its containers may have fixed addresses. */
const fixedLabel = 'dev.slipway.subnet';
const tries = 5;

/** The environment's network, its name and its subnet. */
export interface Network {
  readonly name: string;
  readonly subnet: string;
}

/** Makes the environment's network if need be. Docker chooses a free subnet; it is then named outright, which fixed addresses need. */
export async function ensureNetwork(settings: Settings, environment: EnvironmentRef, signal: AbortSignal): Promise<Network | Refusal> {
  const { networks } = settings.engine;
  const name = stem(environment);
  for (let attempt = 1; ; attempt++) {
    const found = await networks.named(name, { signal });
    if (!found.every(({ labels }) => belongsTo(labels, environment, settings.installation)))
      return { kind: 'not-ours', reason: `network ${name} exists and does not belong to this environment` };
    const kept = found.find(({ labels }) => labels[fixedLabel] !== undefined);
    try {
      // Left behind by a crash between the two steps below, or made by a worker of before at the same time; nothing can be attached to either.
      for (const other of found) if (other !== kept) await networks.remove(other.id, { signal });
      const subnet = kept?.labels[fixedLabel];
      return subnet === undefined ? await make(settings, environment, name, signal) : { name, subnet };
    } catch (error) {
      const raced = error instanceof Conflict || (error instanceof EngineError && /pool overlaps|already exists/i.test(error.message));
      if (!raced || attempt === tries) throw error;
    }
  }
}

async function make(settings: Settings, environment: EnvironmentRef, name: string, signal: AbortSignal): Promise<Network> {
  const { networks } = settings.engine;
  const labels = environmentLabels(environment, settings.installation);
  const draft = await networks.create({ name, labels }, { signal });
  const subnet = (await networks.inspect(draft, { signal }))?.subnets.find((one) => !one.includes(':'));
  await networks.remove(draft, { signal });
  if (subnet === undefined) throw new Error(`Docker gave network ${name} no IPv4 subnet`);
  await networks.create({ name, labels: { ...labels, [fixedLabel]: subnet }, subnet }, { signal });
  return { name, subnet };
}

/** The environment's networks that are ours, the oldest first: one, or none; more where two workers made one at once. */
export async function ownNetworks(settings: Settings, environment: EnvironmentRef, signal?: AbortSignal): Promise<NetworkInfo[]> {
  const found = await settings.engine.networks.named(stem(environment), signal === undefined ? {} : { signal });
  return found.filter(({ labels }) => belongsTo(labels, environment, settings.installation));
}
