import { EnvironmentDrifted } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import type { Claim } from '@slipway/operations';
import { aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { Converging } from './converging.js';
import type { Standing } from './domain/environment.js';
import type { Hands } from './hands.js';
import { MemoryRollouts } from './memory-rollouts.fixture.js';
import type { Placing } from './placing.js';
import type { Proofs } from './ports.js';

const place = { project: 'shop', environment: 'production' };
const running = { rollout: 'r', release: aRelease({ number: 1 }), deployment: { target: {} }, attempt: 2 } as unknown as Standing;

/** An environment in which rollout 2 is the newest that is known; a look where these numbers brought what runs, and what it says. */
function anEnvironment(given: { meanwhile?: number } = {}) {
  const rollouts = new MemoryRollouts();
  rollouts.state = { ...rollouts.state, running, attempts: 2 };
  const said: object[] = [];
  const look = async (...attempts: number[]) => {
    const observe = async () => {
      rollouts.state = { ...rollouts.state, attempts: given.meanwhile ?? rollouts.state.attempts };
      return { instances: attempts.map((attempt) => ({ release: `of-${attempt}`, attempt })) };
    };
    const placing = { where: async () => ({ orchestrator: { observe }, newer: null }) } as unknown as Placing;
    const publish = ({ name }: { name: string }, { data }: { data: object }) => said.push({ name, ...data });
    const transact = (work: (unit: UnitOfWork) => unknown) => work({ tx: {}, now: new Date(), publish } as unknown as UnitOfWork);
    const claim = { operation: { input: place }, transact } as unknown as Claim<typeof place>;
    return new Converging(rollouts, {} as Proofs, placing, {} as Hands).look(claim);
  };
  return { rollouts, look, said };
}

describe('who heals or scales', () => {
  it('finds what is to run where what runs is known', async () => {
    const { look, said } = anEnvironment();
    expect((await look(1, 2))?.state.running).toBe(running);
    expect(said).toEqual([]);
  });

  it('leaves alone what a rollout brought that the database does not know, says so once, and goes on leaving it when it dies', async () => {
    const { look, said, rollouts } = anEnvironment();
    expect(await look(2, 3)).toBeUndefined();
    const found = [expect.stringContaining('brought by rollout 3 here, and the database knows of 2')];
    expect(said).toMatchObject([{ name: EnvironmentDrifted.name, healing: false, found }]);
    expect(rollouts.state.driftedSince).not.toBeNull();
    expect(await look()).toBeUndefined();
    expect(said).toHaveLength(1);
  });

  it('takes nothing for unknown that began while it looked', async () => {
    const { look, said } = anEnvironment({ meanwhile: 3 });
    expect(await look(2, 3)).toBeUndefined();
    expect(said).toEqual([]);
    expect(await look(2, 3)).toBeDefined();
  });
});
