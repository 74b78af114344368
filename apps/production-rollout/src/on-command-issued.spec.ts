import { CommandAccepted, type CommandAction, type CommandIssued, CommandRefused } from '@slipway/contracts';
import type { Received, UnitOfWork } from '@slipway/messaging';
import type { Tx } from '@slipway/postgres';
import { aDigest, anId, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import type { Rollout, Standing } from './domain/environment.js';
import { MemoryRollouts } from './memory-rollouts.fixture.js';
import { OnCommandIssued } from './on-command-issued.js';
import type { Placing } from './placing.js';
import { Telling } from './telling.js';

const place = { project: 'shop', environment: 'production' };

function standing(number: number): Standing {
  const deployment = { image: { repository: 'r', digest: aDigest('a') }, app: { instances: 2 } };
  const release = aRelease({ number });
  return { rollout: anId(), release, deployment, grant: {}, attempt: 1, since: '2026-11-23T05:00:00.000Z' } as unknown as Standing;
}

/** An environment where releases 1 to 3 were good and 3 runs; `ask` carries out a command that was issued at that minute. */
function anEnvironment() {
  const rollouts = new MemoryRollouts();
  const history = [standing(3), standing(2), standing(1)];
  rollouts.state = { ...rollouts.state, running: history[0] ?? null, history };
  for (const good of history) void rollouts.insert({} as Tx, { ...good, id: good.rollout, state: 'succeeded' } as unknown as Rollout);
  const placing = { where: async () => ({ newer: null }) } as unknown as Placing;
  const handler = new OnCommandIssued(rollouts, placing, new Telling(rollouts));
  const ask = async (minute: number, action: CommandAction): Promise<string | undefined> => {
    const said: { name: string; data: { reason?: { code: string } } }[] = [];
    const tx = { query: async () => [{ id: anId() }], notify: () => undefined, afterCommit: () => undefined };
    const publish = ({ name }: { name: string }, { data }: { data: object }) => said.push({ name, data });
    const data = { service: 'production-rollout', command: anId(), person: { id: anId(), name: 'Otto' }, reason: 'because', action };
    const event = { id: anId(), subject: 'shop/production', time: new Date(Date.UTC(2026, 10, 23, 6, minute)).toISOString(), data };
    await handler.handle(event as unknown as Received<typeof CommandIssued>, { tx, now: new Date(), publish } as unknown as UnitOfWork);
    return said.map(({ name, data: { reason } }) => (name === CommandRefused.name ? reason?.code : name))[0];
  };
  return { rollouts, ask };
}

describe('commands that are heard in another order than they were given', () => {
  it('leave the number of instances that was asked for last', async () => {
    const { rollouts, ask } = anEnvironment();
    expect(await ask(2, { kind: 'environment.scale', ...place, instances: 5 })).toBe(CommandAccepted.name);
    expect(await ask(1, { kind: 'environment.scale', ...place, instances: 3 })).toBe('overtaken');
    expect(rollouts.state.scaledTo).toBe(5);
    expect(await ask(3, { kind: 'environment.scale', ...place, instances: null })).toBe(CommandAccepted.name);
    expect(rollouts.state.scaledTo).toBeNull();
  });

  it('go back to what was asked for last', async () => {
    const { rollouts, ask } = anEnvironment();
    await ask(2, { kind: 'environment.rollback', ...place, to: 2 });
    expect(await ask(1, { kind: 'environment.rollback', ...place, to: 1 })).toBe('overtaken');
    expect(rollouts.all('waiting').map(({ release }) => release.number)).toEqual([2]);
  });

  it('are judged by their own kind: a number of instances says nothing about where to go back to', async () => {
    const { rollouts, ask } = anEnvironment();
    await ask(2, { kind: 'environment.scale', ...place, instances: 5 });
    await ask(1, { kind: 'environment.rollback', ...place, to: 1 });
    expect(rollouts.all('waiting').map(({ release }) => release.number)).toEqual([1]);
  });
});

describe('commands to a database that was brought back and does not know what runs', () => {
  it('scale nothing, which would be to go back, and go back to what was good last as far as it knows', async () => {
    const { rollouts, ask } = anEnvironment();
    rollouts.state = { ...rollouts.state, ahead: 7 };
    expect(await ask(1, { kind: 'environment.scale', ...place, instances: 5 })).toBe('older-than-what-runs');
    expect(rollouts.state.scaledTo).toBeNull();
    await ask(2, { kind: 'environment.rollback', ...place, to: null });
    expect(rollouts.all('waiting').map(({ release }) => release.number)).toEqual([3]);
  });
});
