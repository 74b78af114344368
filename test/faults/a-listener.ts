import type { Type } from '@nestjs/common';
import type { Service } from '@slipway/contracts';
import { schemaOf } from '@slipway/postgres';
import { eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { recordOf, type Told } from './a-story.js';
import { Ear } from './an-ear.js';

/** Tables of the machinery, which remember how often and in what order something came, and a secret that each gateway makes for itself. */
const notItsOwn = [
  'one_time_link',
  'outbox',
  'sequence',
  'handoff',
  'inbox',
  'stored_offset',
  'said_place',
  'parked',
  'dead_letter',
  'operation',
  'schema_migration',
];

/** A service that is put to a test of its ears, and how it is started. */
export interface Role {
  readonly service: Service;
  readonly module: Type;
  readonly settings: Readonly<Record<string, string>>;
}

/** A replica on a stage of its own that is told a story, and what became of it. */
export class Listener {
  private constructor(
    readonly stage: Stage,
    readonly ear: Ear,
    private readonly service: Service,
  ) {}

  static async of({ service, module, settings }: Role): Promise<Listener> {
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

  /** What was laid aside, by event. */
  deadLetters(): Promise<{ event_id: string; reason: string }[]> {
    return this.rows('select event_id, reason from $schema.dead_letter order by event_id');
  }

  /** What is in its own tables, what it owes and what it said, without what differs each time: times, ids the story does not have, and seals. */
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
        `select to_jsonb(t) - '{seq,headers,signature,key_id,seal}'::text[] as row from $schema.${name} t`,
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

  /** One statement in its own tables. */
  rows<T>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.stage.database.query<T>(sql.replaceAll('$schema', schemaOf(this.service)), params);
  }
}
