import type { Capabilities } from '../capabilities.js';

/** What one Docker host can do. */
export const dockerCapabilities: Capabilities = {
  driver: 'docker',
  rolling: 'driver',
  blueGreen: 'none',
  canary: 'none',
  drain: 'driver',
  stablePort: 'driver',
  restartsWithoutUs: 'native',
  secretFiles: 'driver',
  oneShot: 'driver',
  fencing: 'none',
  jobs: 'none',
  discovery: 'none',
  notes: {
    blueGreen: 'not built yet',
    canary: 'not built yet; the weights of the proxy are there for it',
    fencing: 'the engine compares no epochs: no call starts with less lease left than its own time limit, and names are unique',
    restartsWithoutUs: 'by restart policy always; one killed by `docker kill` or `docker rm` comes back when a part of Slipway looks next',
    secretFiles: 'files of a private folder of the host, bound read-only',
    stablePort: 'one HAProxy a host and environment, on one address',
    jobs: 'not built yet',
    discovery: 'not built yet',
  },
};
