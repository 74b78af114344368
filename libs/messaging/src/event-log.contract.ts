import { randomUUID } from 'node:crypto';
import { eventually } from '@slipway/testkit';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConsumeOptions, EventLog, InRecord, OutRecord, Running } from './event-log.js';

export interface Subject {
  /** A log for this suite; topics are named with the prefix. */
  readonly log: EventLog;
  readonly prefix: string;
}

/** What every event log must do; run on each adapter (styles.md 2.2: one suite for all of them). */
export function eventLogContract(name: string, subject: () => Subject): void {
  describe(`an event log: ${name}`, () => {
    let topic: string;
    const running: Running[] = [];
    const died: Error[] = [];
    const said = (key: string, value: string, headers: Record<string, string> = {}): OutRecord => ({
      topic,
      key,
      value: Buffer.from(value),
      headers,
    });

    const consume = async (group: string, onRecord: (record: InRecord) => void, more: Partial<ConsumeOptions> = {}) => {
      const consumer = await subject().log.consume({
        group: subject().prefix + group,
        topics: [topic],
        onBatch: async (records, control) => {
          for (const record of records) {
            if (control.signal.aborted) break;
            onRecord(record);
            control.done(record);
            await control.beat();
          }
          return {};
        },
        onDied: (error) => died.push(error),
        ...more,
      });
      running.push(consumer);
      return consumer;
    };

    beforeAll(async () => {
      topic = `${subject().prefix}kit`;
      await subject().log.ensureTopics([{ name: topic, partitions: 3, retention: { ms: 3_600_000 } }]);
    });

    afterEach(async () => {
      await Promise.all(running.splice(0).map((consumer) => consumer.stop(1_000)));
      expect(died).toEqual([]);
    });

    it('makes a topic once however often it is asked for, and leaves what is there', async () => {
      await Promise.all([1, 2].map((partitions) => subject().log.ensureTopics([{ name: topic, partitions, retention: 'compact' }])));
    });

    it('brings what was said before anybody listened, with key, headers and bytes as they were', async () => {
      const key = randomUUID();
      await subject().log.publish([said(key, '{"grüße":"世界"}', { ce_id: 'x', empty: '' })]);
      const heard: InRecord[] = [];
      await consume(randomUUID(), (record) => heard.push(record));
      const mine = await eventually(() => heard.find((record) => record.key === key) ?? false);
      expect(mine.value?.toString()).toBe('{"grüße":"世界"}');
      expect(mine.headers).toEqual({ ce_id: 'x', empty: '' });
      expect(mine.topic).toBe(topic);
      expect(Date.now() - mine.timestamp).toBeLessThan(60_000);
    });

    it('keeps the order of each key, over several publications', async () => {
      const keys = Array.from({ length: 5 }, () => randomUUID());
      for (let at = 0; at < 20; at++) await subject().log.publish(keys.map((key) => said(key, String(at))));
      const heard = new Map<string, number[]>(keys.map((key) => [key, []]));
      await consume(randomUUID(), (record) => heard.get(record.key ?? '')?.push(Number(record.value)));
      await eventually(() => [...heard.values()].every((values) => values.length === 20));
      for (const values of heard.values()) expect(values).toEqual(Array.from({ length: 20 }, (_, at) => at));
    });

    it('goes on where the group was when a member comes back', async () => {
      const group = randomUUID();
      const key = randomUUID();
      const heard: string[] = [];
      const listen = () => consume(group, (record) => record.key === key && heard.push(String(record.value)));
      await subject().log.publish([said(key, 'one')]);
      const first = await listen();
      await eventually(() => heard.length === 1);
      await first.stop(1_000);
      await subject().log.publish([said(key, 'two')]);
      await listen();
      await eventually(() => heard.includes('two'));
      expect(heard).toEqual(['one', 'two']);
    });

    it('starts at the lower of its own offset and the one the consumer stored', async () => {
      const group = randomUUID();
      const key = randomUUID();
      await subject().log.publish(['one', 'two', 'three'].map((value) => said(key, value)));
      const heard: InRecord[] = [];
      const first = await consume(group, (record) => record.key === key && heard.push(record));
      await eventually(() => heard.length === 3);
      await first.stop(1_000);
      const second = heard[1] as InRecord;
      const again: string[] = [];
      await consume(group, (record) => record.key === key && again.push(String(record.value)), {
        positions: async (assigned) =>
          assigned.filter(({ partition }) => partition === second.partition).map((of) => ({ ...of, next: second.offset })),
      });
      await eventually(() => again.length === 2);
      expect(again).toEqual(['two', 'three']);
    });

    it('starts at the beginning of a partition of which the consumer stored nothing', async () => {
      const group = randomUUID();
      const key = randomUUID();
      await subject().log.publish(['one', 'two'].map((value) => said(key, value)));
      const heard: InRecord[] = [];
      const first = await consume(group, (record) => record.key === key && heard.push(record));
      await eventually(() => heard.length === 2);
      await first.stop(1_000);
      const again: string[] = [];
      await consume(group, (record) => record.key === key && again.push(String(record.value)), { positions: async () => [] });
      await eventually(() => again.length === 2);
      expect(again).toEqual(['one', 'two']);
    });

    it('says of which partitions it knows nothing though the consumer does, and starts at their beginning', async () => {
      const key = randomUUID();
      await subject().log.publish([said(key, 'one')]);
      const heard: string[] = [];
      const strange: number[] = [];
      await consume(randomUUID(), (record) => record.key === key && heard.push(String(record.value)), {
        positions: async (assigned) => assigned.map((of) => ({ ...of, next: '1000' })),
        startsOver: async (partitions) => void strange.push(...partitions.map(({ partition }) => partition)),
      });
      await eventually(() => heard.length === 1);
      expect(new Set(strange)).toEqual(new Set([0, 1, 2]));
    });

    it('shares the partitions between members, and gives them to the one that is left', async () => {
      const group = randomUUID();
      const heard: { who: number; value: string }[] = [];
      const [one, two] = [
        await consume(group, (record) => heard.push({ who: 1, value: String(record.value) })),
        await consume(group, (record) => heard.push({ who: 2, value: String(record.value) })),
      ];
      await eventually(
        () => one.health().assigned + two.health().assigned === 3 && one.health().assigned > 0 && two.health().assigned > 0,
        { within: 20_000 },
      );
      await two.stop(1_000);
      await eventually(() => one.health().assigned === 3, { within: 20_000 });
      const value = randomUUID();
      await subject().log.publish([said(randomUUID(), value)]);
      await eventually(() => heard.some((each) => each.value === value && each.who === 1));
    });

    it('reads a record again after the pause its consumer asked for, and the next ones after it', async () => {
      const key = randomUUID();
      await subject().log.publish([said(key, 'one'), said(key, 'two')]);
      const tried: string[] = [];
      await consume(randomUUID(), () => undefined, {
        onBatch: async (records, control) => {
          for (const record of records) {
            if (record.key === key) tried.push(String(record.value));
            if (record.key === key && tried.length === 1) return { again: { afterMs: 20 } };
            control.done(record);
          }
          return {};
        },
      });
      await eventually(() => tried.length === 3);
      expect(tried).toEqual(['one', 'one', 'two']);
    });

    it('says how many records are left', async () => {
      let let_go = () => {};
      const gate = new Promise<void>((resolve) => (let_go = resolve));
      const key = randomUUID();
      const mine: string[] = [];
      const consumer = await consume(randomUUID(), () => undefined, {
        onBatch: async (records, control) => {
          for (const record of records) {
            control.done(record);
            if (record.key === key && mine.push(String(record.value)) === 1) await gate;
          }
          return {};
        },
      });
      await subject().log.publish([said(key, 'one'), said(key, 'two')]);
      await eventually(() => (mine.length === 1 ? (consumer.lag().get(topic) ?? 0) > 0 : false));
      let_go();
      await eventually(() => consumer.lag().get(topic) === 0);
    });

    it('refuses a record that is too large, and takes the next one', async () => {
      await expect(subject().log.publish([said('large', 'x'.repeat(1_100_000))])).rejects.toMatchObject({
        name: 'PublishFailed',
        why: 'refused',
      });
      await subject().log.publish([said('small', 'x')]);
    });

    it('tells how far it was written, and reads any stretch of that once, by nobody’s places', async () => {
      const { log } = subject();
      const inTopic = (places: readonly { partition: number }[]) => new Set(places.map(({ partition }) => partition)).size;
      const before = await log.ends([topic, `${topic}-that-is-not-there`]);
      expect(inTopic(before)).toBe(3);
      const keys = Array.from({ length: 20 }, () => randomUUID());
      const places = [...(await log.publish(keys.slice(0, 10).map((key) => said(key, 'first'))))];
      for (const place of await log.publish(keys.slice(10).map((key) => said(key, 'second'))))
        places.splice(places.findIndex(({ partition }) => partition === place.partition) >>> 0, 1, place);
      const ends = await log.ends([topic]);
      for (const { partition, next } of places) expect(ends.find((each) => each.partition === partition)?.to).toBe(next);
      const stretches = ends.flatMap((end) => {
        const { to: from = '0' } = before.find(({ partition }) => partition === end.partition) ?? {};
        return from === end.to ? [] : [{ ...end, from }];
      });
      await log.publish(keys.map((key) => said(key, 'too late')));
      const read: InRecord[] = [];
      const group = `${subject().prefix}once-${randomUUID()}`;
      await log.readOnce({ group, stretches, onBatch: async (records) => void read.push(...records) });
      expect(read.map(({ key, value }) => `${key} ${value}`).sort()).toEqual(
        keys.map((key, at) => `${key} ${at < 10 ? 'first' : 'second'}`).sort(),
      );
      const stops = log.readOnce({ group: `${group}-2`, stretches, onBatch: () => Promise.reject(new Error('enough')) });
      await expect(stops).rejects.toThrow('enough');
    });
  });
}
