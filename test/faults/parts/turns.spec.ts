import { describe, expect, it } from 'vitest';
import type { FaultContext, FaultKind, Sufferer } from '../fault.js';
import { inTurn } from './turns.js';

/** Kinds that write down what they do, on a part that comes back only when it is told to. */
function kindsOf(parts: readonly Sufferer[]) {
  const told: string[] = [];
  let back: () => void = () => undefined;
  const kinds: FaultKind[] = parts.map((part, at) => ({
    name: `${part} ${at}`,
    part,
    lasts: { least: 0, most: 0 },
    overlaps: [],
    make: () => ({
      name: `${part} ${at}`,
      begin: async () => void told.push(`begin ${at}`),
      end: async () => {
        if (at === 0) await new Promise<void>((resolve) => (back = resolve));
        told.push(`end ${at}`);
      },
    }),
  }));
  const chance = { whole: () => 0, one: <T>(of: readonly T[]) => of[0] as T };
  return { told, faults: inTurn(kinds).map((kind) => kind.make(chance, 0)), isBack: () => back() };
}

const suite = { replicas: [], topicPrefix: '', databaseUrl: '', logs: '' };
const context = (signal = new AbortController().signal): FaultContext => ({
  say: () => undefined,
  signal,
  suite,
  hold: async () => undefined,
});

describe('faults of parts', () => {
  it.each([
    ['one part', ['docker', 'docker']],
    ['the network and a part', ['kafka', 'network']],
  ] as const)('of %s begin when the one before is over, however long that takes', async (_, parts) => {
    const { told, faults, isBack } = kindsOf(parts);
    await faults[0]?.begin(context());
    const ending = faults[0]?.end();
    const next = faults[1]?.begin(context());
    expect(told).toEqual(['begin 0']);
    isBack();
    await Promise.all([ending, next]);
    expect(told).toEqual(['begin 0', 'end 0', 'begin 1']);
  });

  it('of two parts wait for nobody', async () => {
    const { told, faults } = kindsOf(['docker', 'kafka']);
    await faults[0]?.begin(context());
    await faults[1]?.begin(context());
    expect(told).toEqual(['begin 0', 'begin 1']);
  });

  it('that wait are given up when the run is asked to end, and let the next one through', async () => {
    const { told, faults, isBack } = kindsOf(['docker', 'docker', 'docker']);
    const run = new AbortController();
    await faults[0]?.begin(context());
    const ending = faults[0]?.end();
    const waiting = faults[1]?.begin(context(run.signal));
    run.abort();
    await expect(waiting).rejects.toThrow();
    await faults[1]?.end();
    isBack();
    await ending;
    await faults[2]?.begin(context());
    expect(told).toEqual(['begin 0', 'end 1', 'end 0', 'begin 2']);
  });
});
