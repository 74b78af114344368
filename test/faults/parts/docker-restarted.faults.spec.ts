import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDockerHost, type DockerHost, mayHaveOwnHost } from '../a-docker-host.js';
import type { Chance, FaultContext, Held } from '../fault.js';
import { faultsOfDocker } from './faults-of-docker.js';

let host: DockerHost;
beforeAll(async () => {
  if (mayHaveOwnHost) host = await aDockerHost();
}, 120_000);
afterAll(() => host?.close(), 120_000);

describe.runIf(mayHaveOwnHost)('Docker that is restarted in the middle of work', () => {
  it.each<['SIGKILL' | 'SIGTERM', Partial<Held> | undefined, number]>([
    ['SIGKILL', {}, 1],
    ['SIGKILL', { answered: async () => true }, 0],
    ['SIGTERM', {}, 1],
    ['SIGTERM', undefined, 0],
  ])('by %s is away and comes back, and counts whom it met (%#)', { timeout: 120_000 }, async (how, met, hurt) => {
    const { engine } = host;
    const asked: RegExp[] = [];
    const letGo: string[] = [];
    const held: Held = {
      point: 'a push',
      pid: 1,
      about: [],
      release: async () => void letGo.push('a push'),
      answered: async () => false,
      ...met,
    };
    const context: FaultContext = {
      ...{ say: () => undefined, signal: new AbortController().signal },
      suite: { replicas: [], topicPrefix: '', databaseUrl: '', logs: '' },
      hold: async (points) => {
        asked.push(points);
        return met && held;
      },
    };
    const chance: Chance = {
      whole: (least) => least,
      one: (of) => (of as readonly unknown[]).find((each) => each === how) as (typeof of)[number],
    };
    const kinds = faultsOfDocker({ end: host.end, start: host.startDocker }, { to: () => [] });
    const fault = kinds.find(({ name }) => name === 'docker restarted in a push')?.make(chance, 0);
    await fault?.begin(context);
    await expect(engine.ping({ signal: AbortSignal.timeout(2_000) })).rejects.toThrow();
    expect(asked[0]?.test('image-builder · docker POST /images/*/push · during the call')).toBe(true);
    expect(letGo).toEqual(met ? ['a push'] : []);
    await fault?.end();
    await eventually(() => engine.ping().then(() => true), { within: 10_000 });
    expect(fault?.hurt?.()).toBe(hurt);
  });
});

describe.runIf(mayHaveOwnHost)('A Docker Engine of our own', () => {
  it('has addresses for more networks than the thirty of an Engine that was told nothing', { timeout: 120_000 }, async () => {
    const { networks } = host.engine;
    const made: string[] = [];
    try {
      for (let count = 1; count <= 40; count++) made.push(await networks.create({ name: `room-${count}` }));
      const { subnets: [subnet] = [] } = (await networks.inspect('room-40')) ?? {};
      expect(subnet).toMatch(/\/22$/);
    } finally {
      for (const id of made) await networks.remove(id);
    }
  });
});
