import { basename } from 'node:path';
import type { DataDir } from './data-dir.ts';
import type { DockerApi, ListedContainer } from './docker-api.ts';
import { messageOf } from './until.ts';

/** A part run from its published image, on machines that lack its program and can pull images. */
export interface ImageSpec {
  name: string;
  image: string;
  env?: string[];
  /** Port on 127.0.0.1 → port in the container. */
  ports: Record<number, number>;
  /** Folder on this machine → folder in the container. */
  binds?: Record<string, string>;
  dataDir: DataDir;
}

/** The label every container of ours carries: the data folder it belongs to. */
export const dataDirLabel = 'dev.slipway.tools.data-dir';

/** Pulls the image if need be and starts it; a container that an earlier run left behind goes first. */
export async function startImage(docker: DockerApi, spec: ImageSpec): Promise<{ stop(): Promise<void> }> {
  const { image, dataDir } = spec;
  const name = `slipway-${spec.name}-${basename(dataDir.path).replaceAll(/[^a-zA-Z0-9_.-]/g, '')}`;
  await removeContainer(docker, name);
  await pull(docker, image);
  const bindings = Object.fromEntries(
    Object.entries(spec.ports).map(([host, inside]) => [`${inside}/tcp`, [{ HostIp: '127.0.0.1', HostPort: host }]]),
  );
  const body = {
    Image: image,
    Env: spec.env ?? [],
    Labels: { [dataDirLabel]: dataDir.path },
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
    HostConfig: { PortBindings: bindings, Binds: Object.entries(spec.binds ?? {}).map(([host, inside]) => `${host}:${inside}`) },
  };
  const { Id } = await docker.call<{ Id: string }>('POST', `/containers/create?name=${encodeURIComponent(name)}`, { body });
  await docker.call('POST', `/containers/${Id}/start`);
  return { stop: () => removeContainer(docker, Id) };
}

/** Removes a container with its anonymous volumes; no matter if it is not there. */
export async function removeContainer(docker: DockerApi, nameOrId: string): Promise<void> {
  await docker.call('DELETE', `/containers/${encodeURIComponent(nameOrId)}?force=true&v=true`, { allow: [404, 409] });
}

/** Removes the containers a run with this data folder left behind. */
export async function removeContainersOf(docker: DockerApi, dataDir: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${dataDirLabel}=${dataDir}`] }));
  const left = await docker.call<ListedContainer[]>('GET', `/containers/json?all=true&filters=${filters}`);
  for (const { Id } of left) await removeContainer(docker, Id);
}

async function pull(docker: DockerApi, image: string): Promise<void> {
  const there = await docker.call<{ Id?: string }>('GET', `/images/${image}/json`, { allow: [404] });
  if (there?.Id !== undefined) return;
  const [name, tag] = image.split(':');
  try {
    const progress = await docker.call('POST', `/images/create?fromImage=${encodeURIComponent(name ?? '')}&tag=${tag ?? 'latest'}`, {
      timeoutMs: 600_000,
    });
    if (/"error"/.test(String(progress))) throw new Error(String(progress).trim().split('\n').at(-1));
  } catch (error) {
    throw new Error(`The image ${image} cannot be pulled here: ${messageOf(error)}`);
  }
}
