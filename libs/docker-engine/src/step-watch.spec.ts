import { eventually } from '@slipway/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LimitExceeded } from './errors.js';
import { StepWatch } from './step-watch.js';
import type { Call, Transport } from './transport.js';

const MiB = 1024 * 1024;
const wanted = { limits: { pids: 64, diskBytes: 20 * MiB, memoryBytes: 128 * MiB }, networkMode: 'builds' };
const step = '0123456789ab';

/** An engine on which this step runs and has written 40 MiB; what it was asked is kept. One that says 0 of memory limits none, if not said otherwise. */
function anEngine(
  host: { Memory: number; NetworkMode?: string },
  stats: () => object = () => ({ pids_stats: { current: 1 } }),
  MemoryLimit = host.Memory > 0,
) {
  const asked: Pick<Call, 'path' | 'body'>[] = [];
  const json = async ({ path, body }: Call) => {
    asked.push({ path, body });
    if (path === '/info') return { MemoryLimit };
    if (path.endsWith('/stats')) return stats();
    return { Created: '2026-01-01T00:00:00Z', State: { Status: 'running' }, HostConfig: host, SizeRw: 40 * MiB };
  };
  return { asked, transport: { json } as unknown as Transport };
}

function watched(engine: ReturnType<typeof anEngine>, build: object = wanted) {
  const [limits, notes]: [string[], string[]] = [[], []];
  const watch = new StepWatch(
    engine.transport,
    { ...build, onNote: (line) => notes.push(line) },
    ({ limit }: LimitExceeded) => void limits.push(limit),
  );
  onTestFinished(() => watch.stop());
  watch.hear(` ---> Running in ${step}`);
  return { limits, notes };
}

describe('a step of a build', () => {
  it.each([
    ['has its memory', { NetworkMode: 'builds', Memory: 128 * MiB }, wanted],
    ['runs where the kernel limits none', { NetworkMode: 'builds', Memory: 0 }, wanted],
    ['is put nowhere', { NetworkMode: 'default', Memory: 128 * MiB }, { limits: wanted.limits }],
    ['is put nowhere on a newer engine', { NetworkMode: 'bridge', Memory: 128 * MiB }, { limits: wanted.limits }],
    ['is put on the bridge of an older engine', { NetworkMode: 'default', Memory: 0 }, { ...wanted, networkMode: 'bridge' }],
  ])('is held to its limits that %s', async (_, host, build) => {
    const engine = anEngine(host);
    const { notes } = watched(engine, build);
    await eventually(() => expect(engine.asked).toContainEqual({ path: `/containers/${step}/update`, body: { PidsLimit: 64 } }));
    expect(notes).toEqual([]);
  });

  it('is held to what it writes where the engine cannot count its processes', async () => {
    const { limits } = watched(
      anEngine({ NetworkMode: 'builds', Memory: 0 }, () => {
        throw new Error('no statistics');
      }),
    );
    await eventually(() => limits.includes('disk'));
  });

  it.each([
    ['another network', { NetworkMode: 'shop', Memory: 128 * MiB }],
    ['other memory', { NetworkMode: 'builds', Memory: 64 * MiB }],
    ['no limit of memory', { NetworkMode: 'builds', Memory: 0 }],
  ])('is none that has %s, and that is told', async (_, host) => {
    const engine = anEngine(host, undefined, true);
    const { notes } = watched(engine);
    await eventually(() => notes.length > 0);
    expect(notes).toEqual([expect.stringContaining(`${step} that is none of this build`)]);
    expect(engine.asked.map(({ path }) => path).filter((path) => path !== '/info')).toEqual([`/containers/${step}/json`]);
  });
});
