import { Conflict } from '@slipway/docker-engine';
import type { EnvironmentRef } from '../deployment.js';
import type { ActContext } from '../port.js';
import type { EnvironmentFiles } from './environment-files.js';
import { dropImages } from './images.js';
import { environmentLabels, label } from './labels.js';
import { ownNetworks } from './network.js';
import { dropProxyImages } from './proxy-image.js';
import type { Settings } from './settings.js';

const stopSeconds = 2;

/** Takes away everything that carries this environment's labels: containers, network, images nobody else uses, files. */
export async function removeEnvironment(
  settings: Settings,
  files: EnvironmentFiles,
  environment: EnvironmentRef,
  context: ActContext,
): Promise<boolean> {
  const { engine } = settings;
  const { signal } = context;
  const memory = await files.remembered();
  const ours = await engine.containers.list({ labels: environmentLabels(environment, settings.installation) }, { signal });
  // The proxy first: from then on there is nobody to send a request to what is being stopped.
  const order = ours.toSorted((a, b) => Number(b.labels[label.role] === 'proxy') - Number(a.labels[label.role] === 'proxy'));
  for (const container of order) {
    signal.throwIfAborted();
    context.onProgress?.({ step: 'remove', instance: container.name, detail: 'the environment is removed' });
    if (container.labels[label.role] !== 'proxy') await engine.containers.stop(container.id, { graceSeconds: stopSeconds, signal });
    await engine.containers.remove(container.id, { force: true, signal });
  }
  try {
    for (const { id } of await ownNetworks(settings, environment, signal)) await engine.networks.remove(id, { signal });
  } catch (error) {
    // A container of somebody else is on it: theirs to take away.
    if (!(error instanceof Conflict)) throw error;
    return false;
  }
  await dropImages(
    engine,
    [...new Set([...(memory?.images ?? []), ...ours.filter((one) => one.image.includes('@')).map((one) => one.image)])],
    signal,
  );
  await dropProxyImages(engine);
  signal.throwIfAborted();
  await files.remove();
  return true;
}
