import { eventually } from '@slipway/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Kept, SetBack } from './own-words.contract.js';
import type { Received } from './received.js';
import { hearing, Served, Told } from './two-services.contract.js';

let suite: SetBack;

beforeEach(async () => {
  suite = await SetBack.build();
}, 60_000);
afterEach(() => suite.clear(), 60_000);

/** A service that had a life of its own up to a backup; then what `later` does is forgotten. Gives what it was told. */
async function livedOn(later: (watcher: Awaited<ReturnType<SetBack['watcher']>>) => Promise<string>): Promise<string> {
  let watcher = await suite.watcher();
  await suite.tell(watcher, 'release');
  await suite.tell(watcher, 'shop', Kept);
  await suite.scene.stop(watcher);
  await suite.backUp();
  watcher = await suite.watcher(hearing([], Served));
  const lost = await later(watcher);
  await suite.scene.stop(watcher);
  await suite.restore();
  return lost;
}

const deadLettered = async () => {
  await suite.scene.forge([{ topic: 'builds', key: 'k', value: Buffer.from('not an event'), headers: {} }]);
  const said = async () => await suite.rows(`select event_id from $schema.outbox where topic like '%dead-letters'`);
  const id = await eventually(async () => (await said())[0]?.['event_id'] ?? false);
  await suite.published(id);
  return id;
};

describe('a database older than what its service has said', () => {
  it('stops the service, which tells the event and what to do, and starts again beside empty topics', async () => {
    const lost = await livedOn((watcher) => suite.tell(watcher, 'release'));
    const { reason, service, over } = await suite.standing();
    expect(reason).toContain(lost);
    expect(reason).toMatch(
      /SLIPWAY_TOPIC_PREFIX.* does not know slipway\.test\.told\.v1 .* about release, said 20.*Z, at \d+ of .*commits\/\d$/,
    );
    expect(await service.registry.metrics()).toContain('slipway_database_older 1');
    await expect(suite.tell(service)).rejects.toThrow('older than');
    const said = (await suite.scene.read('commits')).length;
    expect(await over()).toContain('told to stop');
    expect((await suite.scene.read('commits')).length).toBe(said);
    // Its numbers are given out again under other ids: that the number is known says nothing.
    await suite.rows(`update $schema.sequence set last = last + 1 where key = 'release'`);
    await (await suite.standing()).over();

    const anew = await suite.scene.replica('source-watcher', { topicPrefix: `${suite.scene.prefix}anew.` });
    await anew.messaging.start();
    await suite.tell(anew, 'release');
    expect(await anew.registry.metrics()).toContain('slipway_database_older 0');
  });

  it.each([
    ['in a topic of others too', deadLettered, /dead-letters/],
    ['in a compacted topic', (watcher) => suite.tell(watcher, 'shop', Kept), /projects/],
  ] as [string, Parameters<typeof livedOn>[0], RegExp][])('is found by what was said %s', async (_where, later, topic) => {
    const lost = await livedOn(later);
    const { reason } = await suite.standing();
    expect(reason).toContain(lost);
    expect(reason).toMatch(topic);
  });

  it('is found where no place was stored, as by the version before', async () => {
    const lost = await livedOn((watcher) => suite.tell(watcher));
    await suite.rows('delete from $schema.said_place');
    expect((await suite.standing()).reason).toContain(lost);
  });

  it('is not seen where the log has lost what it does not know', async () => {
    await livedOn((watcher) => suite.tell(watcher));
    const topic = `${suite.scene.prefix}commits`;
    const partitions = [0, 1].map((partition) => ({ partition, offset: '-1' }));
    await suite.scene.admin.fetchTopicOffsets(topic);
    await suite.scene.admin.deleteTopicRecords({ topic, partitions });
    await suite.tell(await suite.watcher());
  });
});

describe('a database that knows what was said', () => {
  it('has the place of all it said, so that an ordinary start reads nothing', async () => {
    const watcher = await suite.watcher();
    await Promise.all(Array.from({ length: 30 }, (_, at) => suite.tell(watcher, `release ${at}`)));
    const topic = `${suite.scene.prefix}commits`;
    const places = await suite.rows('select "partition", next from $schema.said_place where topic = $1 order by 1', [topic]);
    const ends = (await suite.scene.admin.fetchTopicOffsets(topic)).toSorted((one, other) => one.partition - other.partition);
    expect(places).toEqual(ends.map(({ partition, high }) => ({ partition, next: high })));
  });

  it('is let in after a crash between publication and mark, without a place, and when what was said is long out of the outbox', async () => {
    let watcher = await suite.watcher();
    await suite.tell(watcher, 'release');
    await suite.tell(watcher, 'other');
    const day = 24 * 3_600_000;
    await suite.forge('source-watcher', { subject: 'release', sequence: 1, time: new Date(Date.now() - 2 * day) });
    await suite.scene.stop(watcher);
    await suite.rows(`delete from $schema.said_place`);
    await suite.rows('update $schema.outbox set published_at = null');
    watcher = await suite.watcher();
    await eventually(async () => (await suite.rows('select 1 from $schema.outbox where published_at is null')).length === 0);
    await suite.scene.stop(watcher);
    // The number is not enough for what would still be in the outbox, nor is age where the number was never given out.
    await suite.forge('source-watcher', { subject: 'other', sequence: 2, time: new Date(Date.now() - 2 * day) });
    expect((await suite.standing()).reason).toContain('about other');
  });

  it('is let in whatever others write under its name', async () => {
    const watcher = await suite.watcher();
    await suite.tell(watcher);
    await suite.scene.stop(watcher);
    for (const by of [undefined, 'image-builder'] as const) await suite.forge(by, { subject: 'nobody', sequence: 7 });
    const odd = { ce_source: 'source-watcher', ce_id: 'a\0b', ce_subject: 'x', ce_sequence: '1', ce_time: '2026-01-01T00:00:00Z' };
    await suite.scene.forge([
      { topic: 'commits', key: 'k', value: null, headers: { ...odd, ce_id: 'tombstone' } },
      { topic: 'commits', key: 'k', value: Buffer.from('{}'), headers: odd },
      { topic: 'commits', key: 'k', value: Buffer.from('{}'), headers: { ...odd, ce_id: 'when', ce_time: '2026-99-99T00:00:00Z' } },
      { topic: 'commits', key: 'k', value: Buffer.from('{}'), headers: { ...odd, ce_id: 'when', ce_time: '2026-02-30T24:00:00Z' } },
      { topic: 'commits', key: 'k', value: Buffer.from('{}'), headers: { ...odd, ce_id: 'when', ce_time: '0000-01-01T00:00:00Z' } },
      { topic: 'commits', key: 'k', value: Buffer.from('{}'), headers: { ...odd, ce_id: 'when', ce_time: '0001-01-01T00:00:00+23:59' } },
      { topic: 'commits', key: 'k', value: Buffer.from('{}'), headers: { ...odd, ce_id: 'when', ce_time: '9999-12-31T23:59:59-23:59' } },
    ]);
    await suite.tell(await suite.watcher());
  });

  it('is let in where it may forget that at its next crash, and it is said so', async () => {
    await suite.scene.postgres.query(`alter database ${suite.scene.postgres.name} set synchronous_commit to off`);
    const said: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => void said.push(line) });
    const watcher = await suite.scene.replica('source-watcher', { logger });
    await watcher.messaging.start();
    expect(said.join()).toContain('synchronous_commit is off');
  });

  it('is let in beside a topic that was made anew', async () => {
    const watcher = await suite.watcher();
    for (let at = 0; at < 5; at++) await suite.tell(watcher, 'release');
    await suite.scene.stop(watcher);
    const topic = `${suite.scene.prefix}commits`;
    await suite.scene.admin.deleteTopics({ topics: [topic] });
    await eventually(async () => !(await suite.scene.admin.listTopics()).includes(topic));
    const anew = await suite.watcher();
    const places = await suite.rows(`select next from $schema.said_place where topic = $1`, [topic]);
    expect(places.map(({ next }) => next)).toEqual(['0', '0']);
    await suite.tell(anew, 'release');
  });
});

describe('a fail-over under a service that runs', () => {
  it('to a server that has not got everything is found before anything is done, and over when the right one is back', {
    timeout: 60_000,
  }, async () => {
    const heard: Received[] = [];
    const watcher = await suite.watcher(hearing(heard, Told));
    await suite.tell(watcher, 'release');
    const old = await suite.copyDatabase();
    const lost = await suite.tell(watcher, 'release');
    await eventually(() => heard.some(({ id }) => id === lost));
    const right = await suite.copyDatabase();
    await suite.failOver(old);
    const reason = await eventually(() => watcher.messaging.health().reasons.find((each) => each.includes('is older than')) ?? false);
    expect(reason).toContain(lost);
    expect(await watcher.registry.metrics()).toContain('slipway_database_older 1');
    await expect(suite.tell(watcher, 'release')).rejects.toThrow('older than');
    expect(watcher.died).toEqual([]);
    await suite.failOver(right);
    await eventually(() => suite.tell(watcher, 'release').then(() => true), { within: 20_000 });
    expect(watcher.messaging.health().ready).toBe(true);
  });

  it('to one that has only forgotten what was heard costs time: it is heard again', { timeout: 60_000 }, async () => {
    const heard: Received[] = [];
    const watcher = await suite.watcher(hearing(heard, Told));
    const id = await suite.tell(watcher, 'release');
    await eventually(() => heard.filter((event) => event.id === id).length === 1);
    const copy = await suite.copyDatabase();
    await suite.failOver(copy);
    await suite.rows('delete from $schema.inbox');
    await suite.rows('delete from $schema.stored_offset');
    await eventually(() => heard.filter((event) => event.id === id).length === 2, { within: 30_000 });
  });
});
