import { RolloutAborted, RolloutRolledBack, RolloutStarted } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rollout } from './domain/environment.js';
import { Scene } from './scene.fixture.js';

const own = 'slipway_production_rollout';
let scene: Scene;
let address = '';

beforeAll(async () => {
  scene = await Scene.set('29000-29499');
  await scene.aProject('guarded');
  address = (await scene.live(1, 'one')).address;
  await scene.live(2, 'two');
}, 180_000);
afterAll(async () => {
  await scene?.clear();
});

interface Row {
  readonly id: string;
  readonly state: string;
  readonly request: string;
  readonly rollout: Rollout;
  readonly seal: string;
}

const write = <T = Record<string, unknown>>(sql: string, params: unknown[] = []) =>
  scene.stage.database.query<T>(sql.replaceAll('$own', own), params);
const rowOf = (number: number) =>
  write<Row>(`select * from $own.rollout where project = $1 and rollout -> 'release' ->> 'number' = $2 order by created_at`, [
    scene.project,
    String(number),
  ]);

/** Writes a row of a rollout as whoever reached the table would, and the work that is owed for it. */
async function insert(rollout: Rollout, seal: string | null): Promise<void> {
  await write(
    `insert into $own.rollout (id, project, environment, release, request, state, rollout, seal) values ($1, $2, $3, $4, null, $5, $6, $7)`,
    [rollout.id, rollout.project, rollout.environment, rollout.release.id, rollout.state, JSON.stringify(rollout), seal],
  );
  await oweWork(rollout.id);
}

async function oweWork(rollout: string): Promise<void> {
  await write(
    `insert into $own.operation (id, kind, key, input, due_at, first_due_at) values ($1, 'rollout', $2, $3, now(), now())
     on conflict (kind, key) do update set state = 'ready', due_at = now(), finished_at = null, progress = null, last_error = null`,
    [v7(), rollout, JSON.stringify({ rollout })],
  );
  await write(`notify "${own}_operation"`).catch(() => undefined);
}

/** Puts a row back as it once was, and has it looked at. */
async function putBack({ id, state, rollout, seal }: Row): Promise<void> {
  await write('update $own.rollout set state = $2, rollout = $3, seal = $4 where id = $1', [id, state, JSON.stringify(rollout), seal]);
  await oweWork(id);
}

/** Why the work on it did not get on. */
const errorOf = (rollout: string) =>
  eventually(
    async () => {
      const [row] = (await write('select last_error from $own.operation where key = $1', [rollout])) as { last_error: string | null }[];
      return row?.last_error ?? false;
    },
    { within: 20_000 },
  );
const page = async () => (await fetch(address)).text();
const startedOf = (rollout: string) =>
  scene.stage.heard.filter(({ name, data }) => name === RolloutStarted.name && (data as { rollout: string }).rollout === rollout);

describe('who can write to the tables of production-rollout', () => {
  it('takes nothing back by a rollback that nobody asked for', async () => {
    const [one] = await rowOf(1);
    const asked = { by: scene.operator, command: v7(), reason: 'nobody asked' };
    const rollback = { ...(one as Row).rollout, id: v7(), kind: 'rollback', state: 'waiting', attempt: 0, asked } as Rollout;
    await insert(rollback, (one as Row).seal);
    expect(await errorOf(rollback.id)).toContain(`row ${rollback.id} of table rollout is not believed`);
    expect(startedOf(rollback.id)).toEqual([]);
    expect(await page()).toContain('two');
  });

  it('brings nothing in by a rollout that says it is under way', async () => {
    const [one] = await rowOf(1);
    const running = { ...(one as Row).rollout, id: v7(), state: 'running', attempt: 3 } as Rollout;
    await insert(running, (one as Row).seal);
    expect(await errorOf(running.id)).toContain('is not believed');
    expect(await page()).toContain('two');
    await write('delete from $own.rollout where id = $1', [running.id]);
    await write('delete from $own.operation where key = $1', [running.id]);
  });

  it('holds up nothing by a rollback that waits for ever, or by what says nothing at all', async () => {
    // The rollback that nobody asked for is still there, and would go before all.
    const nothing = { id: v7(), project: scene.project, environment: 'production', release: { id: v7() }, state: 'waiting' };
    await insert(nothing as Rollout, null);
    await scene.live(3, 'one');
    expect(await page()).toContain('one');
    const forged = await write<Row>(`delete from $own.rollout where state = 'waiting' returning id`);
    expect(forged).toHaveLength(2);
    await write('delete from $own.operation where key = any($1)', [forged.map(({ id }) => id)]);
  }, 60_000);

  it('rolls nothing out anew by the row of a rollout that is over, put back as it once was', async () => {
    const { release, statement } = await scene.grant(4, 'two', { good: false });
    const waiting = await eventually(async () => (await rowOf(4))[0] ?? false);
    await write('insert into slipway_approval.grants_good_now values ($1, $2, $3)', [statement.grant, statement.request, statement.asks]);
    const underWay = await eventually(async () => (await rowOf(4)).find(({ state }) => state === 'running') ?? false, { within: 20_000 });
    await eventually(async () => (await rowOf(4))[0]?.state === 'succeeded', { within: 40_000 });
    await scene.live(5, 'one');
    await putBack(underWay);
    expect(await errorOf(underWay.id)).toContain('it was put back');
    expect(await page()).toContain('one');

    await putBack(waiting);
    await scene.stage.hears(RolloutAborted, (data) => data.release.id === release.id, 20_000);
    expect(startedOf(waiting.id)).toHaveLength(1);
    expect(await page()).toContain('one');
  }, 150_000);

  it('goes back to nothing anew by the row of a rollback that is over, as it waited and as it was under way', async () => {
    // Each row of a rollback, as it is written.
    await write('create table public.kept as select * from $own.rollout limit 0');
    await write(
      `create function public.keep() returns trigger language plpgsql as 'begin insert into public.kept select new.*; return new; end'`,
    );
    await write(
      `create trigger keep after insert or update on $own.rollout for each row when (new.rollout ->> 'kind' = 'rollback') execute function public.keep()`,
    );
    await scene.command({ kind: 'environment.rollback', ...scene.here(), to: 4 });
    await scene.stage.hears(RolloutRolledBack, (data) => data.release.number === 4, 40_000);
    expect(await page()).toContain('two');
    await scene.live(6, 'one');
    const kept = await write<Row>('select * from public.kept');
    const as = (state: string) => kept.find((row) => row.state === state) as Row;
    await putBack(as('running'));
    expect(await errorOf(as('running').id)).toContain('it was put back');
    expect(await page()).toContain('one');

    await putBack(as('waiting'));
    const aborted = await scene.stage.hears(RolloutAborted, (data) => data.rollout === as('waiting').id, 20_000);
    expect(aborted.reason.code).toBe('begun-before');
    expect(await page()).toContain('one');
  }, 120_000);

  it('changes nothing of what waits to be rolled out', async () => {
    const { statement } = await scene.grant(7, 'two', { good: false });
    const { id } = await eventually(async () => (await rowOf(7))[0] ?? false);
    await write(`update $own.rollout set rollout = jsonb_set(rollout, '{deployment,image,digest}', $2) where id = $1`, [
      id,
      JSON.stringify(scene.built.one.digest),
    ]);
    await write('insert into slipway_approval.grants_good_now values ($1, $2, $3)', [statement.grant, statement.request, statement.asks]);
    expect(await errorOf(id)).toContain('its seal is not of what it says');
    expect(startedOf(id)).toEqual([]);
    await write(`update $own.rollout set rollout = jsonb_set(rollout, '{deployment,image,digest}', $2) where id = $1`, [
      id,
      JSON.stringify(scene.built.two.digest),
    ]);
    // As it was, it is believed, and goes in.
    await oweWork(id);
    await scene.stage.hears(RolloutStarted, (data) => data.rollout === id, 40_000);
    await eventually(async () => (await rowOf(7))[0]?.state === 'succeeded', { within: 40_000 });
  }, 120_000);

  it('says nothing by a table that inherits from it, not with the seal of a row that was just believed', async () => {
    const [row] = await rowOf(7);
    const { id } = row as Row;
    // Written by one transaction, so that Postgres says the same of both; the first is the one that is loaded.
    await write(`do $$ begin
      create table public.beside () inherits ($own.rollout);
      insert into public.beside select * from $own.rollout where id = '${id}';
      update public.beside set state = 'waiting', rollout = rollout || '{"state": "waiting", "attempt": 0}';
      update $own.rollout set created_at = created_at where id = '${id}';
    end $$`);
    await oweWork(id);
    const isDone = async () => (await write(`select 1 from $own.operation where key = $1 and state = 'done'`, [id])).length === 1;
    await eventually(isDone, { within: 20_000 });
    await write('delete from only $own.rollout where id = $1', [id]);
    await oweWork(id);
    expect(await errorOf(id)).toContain('its seal is not of what it says');
    expect(startedOf(id)).toHaveLength(1);
  }, 60_000);

  it('has nothing healed that does not run there', async () => {
    const [one] = await rowOf(1);
    const running = { ...(one as Row).rollout, rollout: (one as Row).id, since: new Date().toISOString() };
    await write(`update $own.environment set state = jsonb_set(state, '{running}', $2) where project = $1`, [
      scene.project,
      JSON.stringify(running),
    ]);
    await write(`update $own.operation set due_at = now() where kind = 'guard' and state = 'ready'`);
    await scene.engine.containers.kill((await scene.containers())[0] as string);
    const guard = `${scene.project}/production`;
    expect(await errorOf(guard)).toContain('of table environment is not believed');
    expect(await page()).toContain('two');
  });
});
