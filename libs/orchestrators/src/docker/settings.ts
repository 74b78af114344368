import type { DockerEngine } from '@slipway/docker-engine';
import type { AuthFor } from './images.js';

/** One Docker host as a target. The engine has to be on this machine: configuration, secrets and the proxy's socket are folders that containers bind. */
export interface DockerTarget {
  readonly engine: DockerEngine;
  /** Private folder on the engine's host; has to last, for containers come back from it after a reboot. */
  readonly dataDir: string;
  /** The address the stable ports and the probe ports answer on. Default 127.0.0.1. */
  readonly address?: string;
  /** Stable ports that are not set by the project come from here, both ends included. Default 20000 to 20999. */
  readonly ports?: readonly [number, number];
  /** An HAProxy image (2.5 or later). Default: made of the host's own haproxy, else `haproxy:lts`. */
  readonly proxyImage?: string;
  /** Keeps two installations on one engine apart. Default `slipway`. */
  readonly installation?: string;
  /** Where probe ports are reached from here. Default 127.0.0.1. */
  readonly probeHost?: string;
  readonly authFor?: AuthFor;
}

/** The same with every default filled in. */
export interface Settings extends DockerTarget {
  readonly address: string;
  readonly ports: readonly [number, number];
  readonly installation: string;
  readonly probeHost: string;
}

export function withDefaults(target: DockerTarget): Settings {
  return {
    ...target,
    address: target.address ?? '127.0.0.1',
    ports: target.ports ?? [20_000, 20_999],
    installation: target.installation ?? 'slipway',
    probeHost: target.probeHost ?? '127.0.0.1',
  };
}
