import { randomUUID } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { eventually, realParts } from '@slipway/testkit';
import { CompressionCodecs, CompressionTypes, type IHeaders, Kafka, logLevel, type Message } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Handler, Received } from './received.js';
import { store } from './stored-record.js';
import { Telling } from './telling.js';
import { hearing, Ordered, Posted, type TestService, TwoServices } from './two-services.contract.js';

let scene: TwoServices;
let watcher: TestService;
let builder: TestService;
const handled: Received[] = [];
const codecs = { ...CompressionCodecs };

beforeAll(async () => {
  scene = await TwoServices.build();
  // Made by somebody who lets producers compress as they like.
  for (const topic of ['commits', 'sign-offs'])
    await scene.admin.createTopics({ topics: [{ topic: scene.prefix + topic, numPartitions: 1 }], waitForLeaders: true });
  watcher = await scene.replica('source-watcher');
  builder = await scene.replica('image-builder');
  await watcher.messaging.start(new Map());
  await builder.messaging.start(hearing(handled, Ordered, Posted) as Map<typeof Ordered, Handler>);
}, 60_000);
afterAll(() => scene.demolish(), 60_000);
/** Files share a process, and kafkajs has one table of codecs. */
afterAll(() => void Object.assign(CompressionCodecs, codecs));

/** Sends records as no honest producer does. */
async function send(topic: string, messages: Message[], compression?: CompressionTypes): Promise<void> {
  const kafka = new Kafka({ brokers: [...realParts().kafkaBrokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({ topic: scene.prefix + topic, messages, ...(compression === undefined ? {} : { compression }) });
  } finally {
    await producer.disconnect();
  }
}

/** An event sent now is handled, so whatever lies before it in the one partition stopped nobody. */
async function goesOn(): Promise<void> {
  const id = await watcher.messaging.transact(async (unit) => unit.publish(Ordered, { subject: randomUUID(), data: { what: 'after it' } }));
  await eventually(() => handled.some((event) => event.id === id), { within: 15_000 });
  expect(builder.died).toEqual([]);
}

const posted = (headers: IHeaders) => ({ ce_id: randomUUID(), ce_source: 'ci', ce_type: Posted.type, ce_subject: 's', ...headers });
const letters = () => builder.messaging.deadLetters.list({ limit: 500 });

describe('what no honest producer writes', () => {
  it.each([
    ['headers named as every object has them', { ['__proto__']: 'x', constructor: 'y', toString: 'z', ce_type: ['a', 'b'] as never }],
    ['more headers than anybody counts', Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`h${n}`, '']))],
  ])('does not stop a consumer: %s', async (_, headers) => {
    await send('commits', [{ key: 'k', value: '{}', headers }]);
    await goesOn();
  });

  it('does not stop a consumer: a header without a value', async () => {
    // kafkajs writes none; Kafka's own clients do. Length, attributes, times, no key, no value, one header: "x" without a value.
    const bytes = Buffer.from([0x12, 0, 0, 0, 1, 1, 2, 2, 0x78, 1]);
    CompressionCodecs[CompressionTypes.Snappy] = () => ({ compress: async () => snappy(bytes), decompress: async () => bytes });
    await send('commits', [{ key: 'k', value: '{}' }], CompressionTypes.Snappy);
    await goesOn();
    expect((await letters())[0]).toMatchObject({ reason: 'not-an-event', detail: expect.stringContaining('ce_type is null') });
  });

  it.each([
    ['a NUL in its id', { ce_id: 'a\0b' }],
    ['a NUL in its source', { ce_source: 'c\0i' }],
    ['a NUL in its subject', { ce_subject: 's\0' }],
    ['a line break in what it belongs to', { ce_correlationid: 'a\nb' }],
    ['a name for what it belongs to that would not fit into any answer', { ce_correlationid: 'x'.repeat(900_000) }],
    ['a cause without end', { ce_causationid: 'x'.repeat(600) }],
  ])('is buried, whoever may say it, and the next is handled: %s', async (_, headers) => {
    const before = (await letters()).length;
    const next = randomUUID();
    await send('sign-offs', [
      { key: 'k', value: '{"proof":"p"}', headers: posted(headers) },
      { key: 'k', value: '{"proof":"p"}', headers: posted({ ce_subject: next }) },
    ]);
    await eventually(() => handled.some((event) => event.subject === next));
    const [letter] = (await letters()).slice(0, -before || undefined);
    expect(letter).toMatchObject({ reason: 'not-an-event' });
    expect(letter?.detail).toMatch(/longer than 500 characters|control character/);
  });
});

describe('a batch that kafkajs can not read', () => {
  it.each([
    ['zstd', CompressionTypes.ZSTD, (bytes: Buffer) => zstdCompressSync(bytes)],
    ['snappy', CompressionTypes.Snappy, snappy],
    ['lz4', CompressionTypes.LZ4, lz4],
  ])('is one dead letter, and the consumer lives: %s', async (name, type, compress) => {
    (CompressionCodecs as Partial<Record<CompressionTypes, unknown>>)[type] = unread(compress);
    const before = (await letters()).length;
    await send(
      'commits',
      [
        { key: 'k', value: name },
        { key: 'k', value: name },
      ],
      type,
    );
    await goesOn();
    const found = (await letters()).slice(0, -before || undefined);
    expect(found).toMatchObject([{ reason: 'not-an-event', detail: expect.stringContaining('no such codec here') }]);
  });
});

describe('what anybody writes, in masses', () => {
  it('is kept and counted, and not told of without end', async () => {
    const one = await scene.replica('test-deployer', { telling: new Telling({ atOnce: 3, backMs: 3_600_000 }) });
    await send(
      'sign-offs',
      Array.from({ length: 12 }, () => ({ key: 'k', value: '{', headers: posted({}) })),
    );
    await one.messaging.start(hearing([], Posted) as Map<typeof Posted, Handler>);
    await eventually(async () => (await one.messaging.deadLetters.list({ limit: 500 })).length >= 12);
    const [told] = await one.database.query<{ count: number }>(`select count(*)::int from outbox where topic = $1 || 'dead-letters'`, [
      scene.prefix,
    ]);
    expect(told?.count).toBe(3);
  });
});

describe('what nobody signed', () => {
  it('does not wait for an upgrade, also where a version before put it aside', async () => {
    const headers = { ce_id: randomUUID(), ce_source: 'ci', ce_type: 'slipway.test.posted.v2', ce_subject: 's' };
    const at = { topic: `${scene.prefix}sign-offs`, partition: 0, offset: '1', timestamp: Date.now() };
    const { json } = store({ ...at, key: 'k', value: Buffer.from('{"proof":"p"}'), headers });
    await scene.rows(
      'image-builder',
      `insert into $schema.parked (source, event_id, type, subject, reason, detail, record, next_at)
       values ('outside:ci', $1, $2, 's', 'newer-version', '', $3, now())`,
      [headers.ce_id, headers.ce_type, json],
    );
    const letter = await eventually(async () => (await letters()).find(({ eventId }) => eventId === headers.ce_id) ?? false);
    expect(letter).toMatchObject({ source: 'outside:ci', reason: 'given-up', detail: expect.stringContaining('knows version 1') });
    expect(await scene.rows('image-builder', 'select 1 from $schema.parked where event_id = $1', [headers.ce_id])).toEqual([]);
  });
});

describe('topics that Slipway makes', () => {
  it('are kept readable by the broker, however a producer compresses', async () => {
    CompressionCodecs[CompressionTypes.ZSTD] = unread((bytes) => zstdCompressSync(bytes));
    const { resources } = await scene.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: `${scene.prefix}builds`, configNames: ['compression.type'] }],
    });
    expect(resources[0]?.configEntries[0]).toMatchObject({ configValue: 'uncompressed' });
    await send('builds', [{ key: 'k', value: 'x', headers: { compressed: 'once' } }], CompressionTypes.ZSTD);
    expect((await scene.read('builds')).map(({ headers }) => headers['compressed'])).toContain('once');
    await expect(send('builds', [{ key: 'k', value: Buffer.alloc(3_000_000) }], CompressionTypes.GZIP)).rejects.toThrow();
  });
});

/** Kafka's own clients read all of these; kafkajs can be taught to write them, and reads none. */
function unread(compress: (bytes: Buffer) => Buffer) {
  const decompress = async () => {
    throw new Error('no such codec here');
  };
  return () => ({ compress: async ({ buffer }: { buffer: Buffer }) => compress(buffer), decompress });
}

/** Snappy's raw form with nothing but literals (google/snappy, format_description.txt). */
function snappy(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    if (left <= 0x7f) break;
  }
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length - 1);
  return Buffer.concat([Buffer.from(length), Buffer.from([63 << 2]), size, bytes]);
}

/** An LZ4 frame of one block that is not compressed (lz4/lz4, lz4_Frame_format.md). */
function lz4(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE((bytes.length | 0x80000000) >>> 0);
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]), size, bytes, Buffer.alloc(4)]);
}
