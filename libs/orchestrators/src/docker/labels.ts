import { createHash } from 'node:crypto';
import type { ContainerInfo } from '@slipway/docker-engine';
import type { Deployment, EnvironmentRef } from '../deployment.js';

/** The labels by which we know our own again; the first five are fixed by the design (part 4). */
export const label = {
  project: 'dev.slipway.project',
  environment: 'dev.slipway.environment',
  release: 'dev.slipway.release',
  digest: 'dev.slipway.digest',
  epoch: 'dev.slipway.epoch',
  namespace: 'dev.slipway.namespace',
  /** Which installation of Slipway made it: two that share an engine leave each other alone. */
  installation: 'dev.slipway.installation',
  role: 'dev.slipway.role',
  config: 'dev.slipway.config',
  attempt: 'dev.slipway.attempt',
  /** Counts instances from 1. */
  number: 'dev.slipway.instance',
  /** The instance's fixed address on its network. */
  address: 'dev.slipway.address',
  /** The port the application listens on inside. */
  appPort: 'dev.slipway.app-port',
  /** The path its health is asked at; empty where a connection is enough. */
  health: 'dev.slipway.health',
} as const;

/** What a container is there for. */
export type Role = 'instance' | 'proxy' | 'one-shot';

/** The namespace that is meant when none is given. */
export const defaultNamespace = 'default';

/** The labels that everything of one environment carries. */
export function environmentLabels(environment: EnvironmentRef, installation: string): Record<string, string> {
  return {
    [label.project]: environment.project,
    [label.environment]: environment.environment,
    [label.namespace]: environment.namespace ?? defaultNamespace,
    [label.installation]: installation,
  };
}

/**
 * Name of the environment's network and stem of every other name: `slipway.<namespace>.<project>.<environment>`. Dots, because the
 * parts may hold dashes themselves and `a-b` of `c` must not be `a` of `b-c`.
 */
export function stem(environment: EnvironmentRef): string {
  const { namespace = defaultNamespace, project } = environment;
  return `slipway.${namespace}.${project}.${environment.environment}`;
}

/** Same deployment, same names: whoever takes over after a crash finds what was made. */
export function instanceName(deployment: Deployment, configHash: string, number: number): string {
  const of = createHash('sha256').update([deployment.release, deployment.attempt, deployment.digest, configHash].join('\n')).digest('hex');
  return `${stem(deployment.environment)}.${number}.${of.slice(0, 8)}`;
}

/** Name of an instance that is on its way out: whoever comes to it late, to stop it or to take it away, meets none that somebody has come to need again. */
export function leavingName({ id, name }: Pick<ContainerInfo, 'id' | 'name'>): string {
  return `${name}${leaving}${id.slice(0, 12)}`;
}

const leaving = '.leaving.';
/** At the very end: a project or an environment may have that word for a name. */
const left = /\.leaving\.[0-9a-f]{12}$/;

export function isLeaving({ name }: Pick<ContainerInfo, 'name'>): boolean {
  return left.test(name);
}

/** Name of the proxy that holds the stable port. */
export function proxyName(environment: EnvironmentRef): string {
  return `${stem(environment)}.proxy`;
}

/** Whether labels say that this belongs to that environment of that installation. */
export function belongsTo(labels: Readonly<Record<string, string>>, environment: EnvironmentRef, installation: string): boolean {
  return Object.entries(environmentLabels(environment, installation)).every(([name, value]) => labels[name] === value);
}

/**
 * False for a container that Docker kept half made: one that was killed while it made it knows the container again and not the address it was to have (up to 20.10 at least), and
 * starts it at any that is free, be it another's. Nobody finds it there.
 */
export function isWhole({ labels, networks }: Pick<ContainerInfo, 'labels' | 'networks'>): boolean {
  const address = labels[label.address] ?? '';
  return address === '' || networks.some(({ fixedAddress }) => fixedAddress === address);
}
