import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { DockerOptions } from 'dockerode';
import { Refused } from './errors.js';
import type { TlsOptions } from './types.js';

/** Where Docker listens when nothing else is said. */
export const defaultSocket = '/var/run/docker.sock';

/**
 * Turns `DOCKER_HOST` notation into options of the client: `unix:///path`, a bare `/path`, `tcp://host:port`, `http(s)://host:port`.
 * The process environment is not consulted, so two engines in one process never mix. Throws `Refused` for what it does not know.
 */
export function parseAddress(host: string | undefined, tls?: TlsOptions): DockerOptions {
  // Set one by one: the client fills what is missing from its own reading of DOCKER_HOST.
  const none = { host: undefined, port: undefined, ca: undefined, cert: undefined, key: undefined, timeout: undefined, headers: {} };
  if (host === undefined || host === '' || host.startsWith('/') || host.startsWith('unix://')) {
    const socketPath = (host ?? '').replace(/^unix:\/\//, '') || defaultSocket;
    return { ...none, protocol: 'http', socketPath, agent: new HttpAgent({ keepAlive: false }) } as DockerOptions;
  }
  const url = readUrl(host);
  const secure = tls !== undefined || url.protocol === 'https:';
  return {
    ...none,
    ...tls,
    socketPath: undefined,
    protocol: secure ? 'https' : 'http',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || (secure ? 2376 : 2375)),
    pathPrefix: '/',
    agent: secure ? new HttpsAgent({ keepAlive: true, timeout: 30_000 }) : new HttpAgent({ keepAlive: false }),
  } as DockerOptions;
}

function readUrl(host: string): URL {
  let url: URL;
  try {
    url = new URL(host.includes('://') ? host : `tcp://${host}`);
  } catch (cause) {
    throw new Refused(`Docker address "${host}" is not a URL; use unix:///path, tcp://host:port or https://host:port`, undefined, {
      cause,
    });
  }
  if (!['tcp:', 'http:', 'https:'].includes(url.protocol)) {
    throw new Refused(
      `Docker address "${host}": ${url.protocol}// is not supported; use unix:///path, tcp://host:port or https://host:port`,
    );
  }
  return url;
}
