import { DockerEngine, NotFound } from '@slipway/docker-engine';
import { describe, expect, it } from 'vitest';
import { TargetUnavailable } from '../port.js';
import { type Making, makeInstance } from './instances.js';
import { isLeaving, leavingName } from './labels.js';
import type { Settings } from './settings.js';

const image = `registry.example/shop@sha256:${'a'.repeat(64)}`;

/** An engine from which the image went after it had been looked for: another environment was done with it. */
function anEngineWithout(): DockerEngine {
  const engine = DockerEngine.connect('unix:///nowhere.sock');
  engine.containers.create = () => Promise.reject(new NotFound(`create container: No such image: ${image}`, 404));
  return engine;
}

describe('an instance', () => {
  it('whose image went between the look for it and the making is made later: that says nothing about the release', async () => {
    const making = {
      settings: { engine: anEngineWithout(), installation: 'default' } as unknown as Settings,
      deployment: {
        environment: { project: 'shop', environment: 'production' },
        release: 'r',
        image,
        app: { port: 8080, env: {} },
        secrets: {},
      } as unknown as Making['deployment'],
      configHash: 'c',
      network: { name: 'n', subnet: '10.1.0.0/24' } as Making['network'],
      secrets: undefined,
      epoch: 1,
      signal: AbortSignal.timeout(1000),
    };
    await expect(makeInstance(making, 1, new Set())).rejects.toBeInstanceOf(TargetUnavailable);
  });
});

it('is on its way out where its name ends so, not where its project is called that', () => {
  const id = '0123456789abcdef'.repeat(4);
  expect(isLeaving({ name: 'slipway.default.leaving.test.1.0badcafe' })).toBe(false);
  expect(isLeaving({ name: 'slipway.default.shop.leaving.1.0badcafe' })).toBe(false);
  expect(isLeaving({ name: leavingName({ id, name: 'slipway.default.leaving.test.1.0badcafe' }) })).toBe(true);
});
