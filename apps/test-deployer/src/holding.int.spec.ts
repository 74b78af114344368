import { CommandAccepted, type CommandAction, CommandIssued, CommandRefused, EnvironmentHeld, EnvironmentUnheld } from '@slipway/contracts';
import { anId, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scene } from './scene.fixture.js';

const tess = { id: anId(), name: 'Tess Tester' };
const tom = { id: anId(), name: 'Tom Tester' };
const test = { name: 'test', stage: 'test', target: 'lab' } as const;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.build();
}, 60_000);
afterAll(() => scene.demolish(), 60_000);

/** A command may overtake the project: what people ask for is on another topic. */
async function aProject(name: string): Promise<void> {
  await scene.apply(name, 1, [test]);
  await eventually(async () => (await scene.rows('select 1 from $schema.project where name = $1', [name])).length === 1);
}

async function command(action: CommandAction, { by = tess, subject = 'shop', reason = 'to look at it' } = {}): Promise<string> {
  const data = { command: anId(), service: 'test-deployer' as const, action, person: by, role: 'tester' as const, reason };
  await scene.say('gateway', CommandIssued, { subject, data });
  return data.command;
}
const hold = (project: string, until: string | null = null, by = tess) =>
  command({ kind: 'environment.hold', project, environment: 'test', until }, { by });
const unhold = (project: string, asked: { by?: typeof tess; subject?: string; reason?: string } = {}) =>
  command({ kind: 'environment.unhold', project, environment: 'test' }, asked);
const accepted = (id: string) => scene.hear(CommandAccepted, ({ data }) => data.command === id);
const refused = async (id: string) => (await scene.hear(CommandRefused, ({ data }) => data.command === id)).data.reason;
const unheld = (project: string) => scene.all(EnvironmentUnheld).filter(({ data }) => data.project === project);

/** Holds the environment's row until two transactions wait for it, ten seconds at most. */
const untilTwoWait = `do $body$ begin
  perform 1 from $schema.environment where project = 'crowd' for update;
  for attempt in 1..200 loop
    exit when (select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()) > 1;
    perform pg_sleep(0.05);
    perform pg_stat_clear_snapshot();
  end loop;
end $body$`;

describe('a hold on a test environment', () => {
  it('is ended by whoever may, with a reason, and said once', async () => {
    await aProject('shop');
    await accepted(await hold('shop'));
    await accepted(await unhold('shop', { by: tom, reason: 'Tess is on holiday' }));
    await eventually(() => unheld('shop').length > 0);
    expect(unheld('shop').map(({ data }) => data)).toEqual([
      { project: 'shop', environment: 'test', by: tom, reason: 'Tess is on holiday' },
    ]);
    await accepted(await hold('shop', null, tom));
  });

  it('that nobody has is not ended, nor one of an environment nobody knows', async () => {
    await aProject('free');
    expect(await refused(await unhold('free'))).toEqual({ code: 'not-held', message: 'nobody holds free/test' });
    expect(await refused(await unhold('nowhere'))).toMatchObject({ code: 'not-held' });
    await accepted(await hold('free'));
    await accepted(await unhold('free'));
    expect(await refused(await unhold('free'))).toMatchObject({ code: 'not-held' });
    expect(unheld('nowhere')).toEqual([]);
  });

  it('ended by a person is not ended again when its time is over', async () => {
    await aProject('early');
    await accepted(await hold('early', new Date(Date.now() + 2000).toISOString()));
    await accepted(await unhold('early'));
    await accepted(await hold('early', null, tom));
    const over = `select 1 from $schema.operation where kind = 'hold-end' and state in ('ready', 'running') and input ->> 'project' = 'early'`;
    await eventually(async () => (await scene.rows(over)).length === 0);
    expect(unheld('early').map(({ data }) => data.by?.name)).toEqual(['Tess Tester']);
    expect(scene.all(EnvironmentHeld).filter(({ data }) => data.project === 'early')).toHaveLength(2);
  });

  it('ended by several at the same moment is ended once', async () => {
    await aProject('crowd');
    await accepted(await hold('crowd'));
    const crowded = scene.rows(untilTwoWait);
    const asked = await Promise.all(Array.from({ length: 8 }, (_each, at) => unhold('crowd', { subject: `crowd-${at}` })));
    await crowded;
    const answered = () => [...scene.all(CommandAccepted), ...scene.all(CommandRefused)].filter(({ data }) => asked.includes(data.command));
    await eventually(() => answered().length === asked.length);
    expect(answered().filter(({ name }) => name === CommandAccepted.name)).toHaveLength(1);
    expect(unheld('crowd')).toHaveLength(1);
  });
});
