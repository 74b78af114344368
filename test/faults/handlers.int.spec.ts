import type { Type } from '@nestjs/common';
import type { Service } from '@slipway/contracts';
import { GatewayModule, subscriptions as ofGateway } from '@slipway/gateway';
import { NotifierModule, subscriptions as ofNotifier } from '@slipway/notifier';
import { schemaOf } from '@slipway/postgres';
import { subscriptions as ofTestDeployer, TestDeployerModule } from '@slipway/test-deployer';
import { anId, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aStory, recordOf, type Told } from './a-story.js';
import { Ear } from './an-ear.js';

/** Nobody listens there: what is owed stays owed, and can be looked at. */
const nobody = '127.0.0.1:1';

/** Services whose handlers are put through what Kafka and crashes may do to them. */
const listeners: { service: Service; module: Type; events: Told['event'][]; settings: Record<string, string> }[] = [
  {
    service: 'notifier',
    module: NotifierModule,
    events: ofNotifier.entries.map(({ event }) => event),
    settings: { SLIPWAY_SMTP_URL: `smtp://${nobody}`, SLIPWAY_SMTP_FROM: 'slipway@shop.example' },
  },
  {
    service: 'test-deployer',
    module: TestDeployerModule,
    events: ofTestDeployer.entries.map(({ event }) => event),
    settings: { DOCKER_HOST: `tcp://${nobody}` },
  },
  { service: 'gateway', module: GatewayModule, events: ofGateway.entries.map(({ event }) => event), settings: {} },
];

/** A replica on a stage of its own that is told a story, and what became of it. */
class Listener {
  private constructor(
    private readonly stage: Stage,
    private readonly ear: Ear,
    private readonly service: Service,
  ) {}

  static async of({ service, module, settings }: (typeof listeners)[number]): Promise<Listener> {
    const stage = await aStage({ ear: 'source-watcher' });
    await stage.start(module, settings);
    return new Listener(stage, await Ear.at(stage.environment['SLIPWAY_TOPIC_PREFIX'] as string), service);
  }

  /** Tells one event after the other, each as often as `times`, the next once this one was dealt with. */
  async hears(told: readonly Told[], times = 1): Promise<void> {
    for (const one of told) await this.takesIn(Array.from({ length: times }, () => one));
  }

  /** Tells all of this at once; each in the place of its key. */
  async takesIn(told: readonly Told[]): Promise<void> {
    const prefix = this.stage.environment['SLIPWAY_TOPIC_PREFIX'] as string;
    await this.ear.publish(await Promise.all(told.map((one) => recordOf(one, this.stage.keys, prefix))));
    const ids = [...new Set(told.map(({ id }) => id))];
    const dealtWith = `select event_id from $schema.inbox where event_id = any($1) union select event_id from $schema.parked
      where event_id = any($1) union select event_id from $schema.dead_letter where event_id = any($1)`;
    await eventually(async () => (await this.rows(dealtWith, [ids])).length === ids.length, { within: 20_000, every: 10 });
  }

  /** From now on every other transaction that takes an event in fails at its very end, as when Postgres is shut down under it. */
  async crashes(): Promise<void> {
    await this.rows('create sequence $schema.crashes');
    await this.rows(`create function $schema.crash() returns trigger language plpgsql as $$ begin
      if nextval('$schema.crashes') % 2 = 1 then raise exception 'shut down' using errcode = '57P01'; end if; return null; end $$`);
    await this.rows(`create constraint trigger crash after insert on $schema.inbox deferrable initially deferred
      for each row execute function $schema.crash()`);
  }

  async crashed(): Promise<number> {
    const [row] = await this.rows<{ last: number }>('select last_value::int as last from $schema.crashes');
    return row?.last ?? 0;
  }

  deadLetters(): Promise<{ event_id: string; reason: string }[]> {
    return this.rows('select event_id, reason from $schema.dead_letter order by event_id');
  }

  /** What is in its own tables, what it owes and what it said, without what differs each time: times, and ids the story does not have. */
  async outcome(story: readonly Told[]): Promise<string[]> {
    const names = new Map(story.map(({ id, event }) => [id, event.name]));
    const same = (text: string): string =>
      text
        .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d(:\d\d)?)?/g, 'a time')
        .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, (id) => names.get(id) ?? (known.includes(id) ? id : 'an id'));
    const known = story.map(({ value }) => String(value)).join();
    const tables = await this.rows<{ name: string }>(
      `select relname as name from pg_class where relnamespace = '$schema'::regnamespace and relkind in ('r', 'p') and not relispartition
       and relname <> all($1)`,
      [notItsOwn],
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const rows = await this.rows<{ row: object }>(
        `select to_jsonb(t) - '{seq,headers,signature,key_id}'::text[] as row from $schema.${name} t`,
      );
      found.push(...rows.map(({ row }) => `${name}: ${same(JSON.stringify(row))}`));
    }
    const owed = await this.rows<{ kind: string; key: string }>('select kind, key from $schema.operation');
    found.push(...owed.map(({ kind, key }) => `owes ${kind} ${same(key)}`));
    const said = await this.rows<{ type: string; cause: string | null }>(
      `select headers ->> 'ce_type' as type, causation_id as cause from $schema.outbox where headers ->> 'ce_type' not like '%.event.noted.%'`,
    );
    found.push(...said.map(({ type, cause }) => `said ${type} because of ${same(cause ?? 'nothing')}`));
    return found.sort();
  }

  async clear(): Promise<void> {
    await this.ear.close();
    await this.stage.clear();
  }

  private rows<T>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.stage.database.query<T>(sql.replaceAll('$schema', schemaOf(this.service)), params);
  }
}

/** Tables of the machinery, which remember how often and in what order something came, and a secret that each gateway makes for itself. */
const notItsOwn = [
  'one_time_link',
  'outbox',
  'sequence',
  'handoff',
  'inbox',
  'stored_offset',
  'parked',
  'dead_letter',
  'operation',
  'schema_migration',
];

describe.each(listeners)('every handler of $service', (listener) => {
  const story = aStory(listener.events, listener.service);
  let calm: Listener;
  let shaken: Listener;

  beforeAll(async () => {
    [calm, shaken] = await Promise.all([Listener.of(listener), Listener.of(listener)]);
  });
  afterAll(() => Promise.all([calm?.clear(), shaken?.clear()]));

  it('does what it does once, in whatever order and however often events come, and however often it crashes at the end', {
    timeout: 120_000,
  }, async () => {
    await shaken.crashes();
    await Promise.all([calm.hears(story), shaken.hears([...story].reverse(), 2)]);
    await eventually(async () => expect(await shaken.outcome(story)).toEqual(await calm.outcome(story)), { within: 20_000 });
    expect(await shaken.crashed()).toBeGreaterThan(story.length);
    expect([await calm.deadLetters(), await shaken.deadLetters()]).toEqual([[], []]);
  });

  it('lays aside what makes no sense, and goes on with what comes after it', { timeout: 60_000 }, async () => {
    const poison = story.map((told) => ({ ...told, id: anId(), value: Buffer.from('{"poison": true}') }));
    const more = story.map((told) => ({ ...told, id: anId() }));
    await calm.takesIn(poison.flatMap((told, at) => [told, more[at] as Told]));
    const expected = poison.map(({ id }) => ({ event_id: id, reason: 'bad-data' }));
    expect(await calm.deadLetters()).toEqual(expected.sort((one, other) => (one.event_id < other.event_id ? -1 : 1)));
  });
});
