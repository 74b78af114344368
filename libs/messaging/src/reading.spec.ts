import { defineEvent, type EventDefinition } from '@slipway/contracts';
import { aKeyRing, type TestKeyRing } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { headersOf, newTraceparent, parseType, signed } from './envelope.js';
import type { InRecord } from './event-log.js';
import { type ReaderOptions, read } from './reading.js';
import { TopicNames } from './topic-names.js';

const Thing = defineEvent({
  name: 'test.thing',
  version: 3,
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  data: z.object({ colour: z.string(), size: z.number() }),
  upcast: { 1: (v1) => ({ size: 1, ...(v1 as object) }), 2: (v2) => ({ colour: 'red', ...(v2 as object) }) },
});
const Proven = defineEvent({
  name: 'test.proven',
  writer: 'outside',
  topic: 'sign-offs',
  about: 'release',
  data: z.object({ proof: z.string(), deep: z.strictObject({}).optional() }),
});
const Strict = defineEvent({
  name: 'test.strict',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  data: z.object({
    deep: z
      .strictObject({ known: z.enum(['x', 'y']).optional(), later: z.undefined().optional() })
      .refine(({ known }) => known !== undefined, { error: 'say what is known' }),
    kind: z.discriminatedUnion('is', [z.strictObject({ is: z.literal('a') }), z.strictObject({ is: z.literal('b') })]).optional(),
    form: z.union([z.string(), z.strictObject({ one: z.int() }), z.strictObject({ two: z.int() })]).optional(),
  }),
});

const topics = new TopicNames('p.');
let ring: TestKeyRing;
let options: ReaderOptions;

beforeAll(async () => {
  ring = await aKeyRing();
  options = {
    service: 'production-rollout',
    trust: ring.trust,
    topics,
    subscribed: new Map<string, EventDefinition>([
      [Thing.name, Thing],
      [Proven.name, Proven],
      [Strict.name, Strict],
    ]),
    answering: new Set(['approval']),
  };
});
afterAll(() => ring.drop());

async function record(
  over: { value?: Buffer | null; headers?: Record<string, string>; type?: string; by?: 'approval' | 'gateway'; topic?: string } = {},
): Promise<InRecord> {
  const value = over.value === undefined ? Buffer.from('{"colour":"blue","size":2}') : over.value;
  const by = over.by ?? 'approval';
  const plain = headersOf({
    id: 'id-1',
    source: by,
    type: over.type ?? Thing.type,
    time: new Date(0),
    subject: 'shop/1',
    sequence: 4,
    causationId: 'cause',
    correlationId: 'rel',
  });
  const headers = await signed(plain, value ?? Buffer.alloc(0), ring.keys[by].signer);
  return {
    topic: over.topic ?? 'p.approvals',
    partition: 0,
    offset: '7',
    key: 'shop/1',
    value,
    headers: { ...headers, ...over.headers },
    timestamp: Date.now(),
  };
}

describe('reading a record', () => {
  it('gives the handler everything of a good event', async () => {
    const reading = read(await record(), options);
    expect(reading).toMatchObject({
      is: 'event',
      event: {
        id: 'id-1',
        name: 'test.thing',
        version: 3,
        source: 'approval',
        subject: 'shop/1',
        sequence: 4,
        causationId: 'cause',
        correlationId: 'rel',
        offset: '7',
        resent: false,
        data: { colour: 'blue', size: 2 },
      },
    });
    if (reading.is !== 'event') return;
    expect(reading.event.signature?.keyId).toBe(ring.keys.approval.keyId);
    expect(reading.event.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('ignores fields it does not know and keeps them in the raw bytes', async () => {
    const reading = read(await record({ value: Buffer.from('{"colour":"blue","size":2,"new":true}') }), options);
    expect(reading).toMatchObject({ is: 'event', event: { data: { colour: 'blue', size: 2 } } });
    expect(reading.is === 'event' && reading.event.raw.value.toString()).toContain('"new":true');
  });

  it('brings older versions up to date, one step after the other', async () => {
    const reading = read(await record({ type: 'slipway.test.thing.v1', value: Buffer.from('{"colour":"green"}') }), options);
    expect(reading).toMatchObject({ is: 'event', event: { version: 1, data: { colour: 'green', size: 1 } } });
    expect(read(await record({ type: 'slipway.test.thing.v2', value: Buffer.from('{"size":5}') }), options)).toMatchObject({
      is: 'event',
      event: { data: { colour: 'red', size: 5 } },
    });
  });

  it('parks what is newer than this code, once it is known to be genuine', async () => {
    expect(read(await record({ type: 'slipway.test.thing.v4' }), options)).toMatchObject({
      is: 'newer',
      from: { source: 'approval', id: 'id-1' },
    });
    expect(read(await record({ type: 'slipway.test.thing.v4', headers: { ce_id: 'id-2' } }), options)).toMatchObject({
      is: 'poison',
      reason: 'bad-signature',
    });
  });

  it.each([
    ['a key', { deep: { known: 'x', unknown: true } }, 'deep'],
    ['a choice', { deep: { known: 'z' } }, 'deep.known'],
    ['a kind', { deep: { known: 'x' }, kind: { is: 'c' } }, 'kind.is'],
    ['one of two forms', { deep: { known: 'x' }, form: { third: 1 } }, 'form'],
    ['a use of what nothing acts on yet', { deep: { known: 'x', later: {} } }, 'deep.later'],
    ['a key another rule asks for', { deep: { unknown: 'x' } }, 'deep'],
  ])('parks what says %s this code does not know, where it would mean something', async (_, data, at) => {
    const reading = read(await record({ type: Strict.type, value: Buffer.from(JSON.stringify(data)) }), options);
    expect(reading).toMatchObject({ is: 'newer', type: Strict.type, subject: 'shop/1', from: { service: 'approval' } });
    expect(reading.is === 'newer' && reading.detail).toMatch(new RegExp(`^this code knows version 1 .*at ${at}`, 's'));
  });

  it.each([
    ['lacks what it must say besides', { deep: { unknown: true }, kind: {} }],
    ['is wrong besides', { deep: { known: 'x', unknown: true }, form: { one: 'text' } }],
    ['breaks a rule', { deep: {} }],
  ])('does not take what %s for newer', async (_, data) => {
    const value = Buffer.from(JSON.stringify(data));
    expect(read(await record({ type: Strict.type, value }), options)).toMatchObject({ is: 'poison', reason: 'bad-data' });
  });

  it('takes nothing for newer that nobody vouches for', async () => {
    const headers = { ce_id: 'id-1', ce_source: 'somebody', ce_type: Proven.type, ce_subject: 'shop/1' };
    const value = Buffer.from('{"proof":"jws","deep":{"unknown":true}}');
    const outside = { ...(await record()), topic: 'p.sign-offs', headers, value };
    expect(read(outside, options)).toMatchObject({ is: 'poison', reason: 'bad-data' });
    const tomorrow = { ...outside, headers: { ...headers, ce_type: Proven.type.replace('.v1', '.v2') } };
    expect(read(tomorrow, options)).toMatchObject({ is: 'poison', reason: 'bad-data', detail: expect.stringContaining('knows version 1') });
  });

  it.each([
    ['null', null, 'empty'],
    ['empty', Buffer.alloc(0), 'empty'],
    ['not JSON', Buffer.from('{"colour":'), 'not-json'],
    ['0xFF bytes', Buffer.alloc(12, 0xff), 'not-json'],
    ['JSON with a byte order mark', Buffer.from('\ufeff{"colour":"blue","size":2}'), 'not-json'],
    ['Avro', Buffer.from([0, 0, 0, 0, 1, 12, 0x66, 0x6f, 0x6f]), 'not-json'],
    ['of another shape', Buffer.from('{"colour":"blue","size":"two"}'), 'bad-data'],
    ['JSON null', Buffer.from('null'), 'bad-data'],
    ['too large', Buffer.from(JSON.stringify({ colour: 'x'.repeat(990_000), size: 1 })), 'too-large'],
  ])('finds a value that is %s', async (_, value, reason) => {
    expect(read(await record({ value }), options)).toMatchObject({ is: 'poison', reason });
  });

  it('says which field of the data is wrong', async () => {
    const reading = read(await record({ value: Buffer.from('{"colour":"blue","size":"two"}') }), options);
    expect(reading.is === 'poison' && reading.detail).toContain('size');
  });

  it.each([
    ['no headers at all', {}],
    ['a type of somebody else', { ce_type: 'com.example.thing' }],
    ['no id', { ce_type: Thing.type, ce_source: 'approval', ce_subject: 's' }],
  ])('finds a record with %s', async (_, headers) => {
    const good = await record();
    expect(read({ ...good, headers }, options)).toMatchObject({ is: 'poison', reason: 'not-an-event' });
  });

  it.each([
    ['changed data', { value: Buffer.from('{"colour":"blue","size":3}') }],
    ['another subject', { headers: { ce_subject: 'shop/2' } }],
    ['another time', { headers: { ce_time: new Date(1).toISOString() } }],
    ['another sequence', { headers: { ce_sequence: '5' } }],
    ['an attribute of its own', { headers: { ce_extra: '1' } }],
    ['no signature', { headers: { ce_signature: '' } }],
    ['a signature that is none', { headers: { ce_signature: 'bm90IGpzb24' } }],
  ])('refuses an event with %s', async (_, change: { value?: Buffer; headers?: Record<string, string> }) => {
    const good = await record();
    const forged = { ...good, value: change.value ?? good.value, headers: { ...good.headers, ...change.headers } };
    expect(read(forged, options)).toMatchObject({ is: 'poison', reason: 'bad-signature' });
  });

  it('refuses what another service says in the name of its own, or on a topic that is not its', async () => {
    expect(read(await record({ by: 'gateway' }), options)).toMatchObject({
      is: 'poison',
      reason: 'bad-signature',
      detail: expect.stringContaining('approval only'),
    });
    expect(read(await record({ topic: 'p.builds' }), options)).toMatchObject({ is: 'poison', reason: 'wrong-topic' });
  });

  it('lets a tracing proxy and the sender say how often, without breaking the signature', async () => {
    const good = await record();
    const touched = { ...good, headers: { ...good.headers, ce_traceparent: newTraceparent(), ce_resend: '2' } };
    expect(read(touched, options)).toMatchObject({ is: 'event', event: { resent: true } });
  });

  it('hands an event from outside over unsigned, in a space of ids of its own', async () => {
    const headers = { ce_id: 'id-1', ce_source: 'approval', ce_type: Proven.type, ce_subject: 'shop/1' };
    const reading = read({ ...(await record()), topic: 'p.sign-offs', headers, value: Buffer.from('{"proof":"jws"}') }, options);
    expect(reading).toMatchObject({ is: 'event', from: { source: 'outside:approval' }, event: { signature: undefined } });
  });

  it('judges a signature at the time the log took the record, not at one its writer gives', async () => {
    const before = { ...(await record()), timestamp: 0 };
    expect(read(before, options)).toMatchObject({ is: 'poison' });
  });

  it('takes an answer only from the service itself', async () => {
    const answer = await record({ type: 'slipway.something.else.v1' });
    expect(read(answer, options)).toEqual({ is: 'answer', service: 'approval', causationId: 'cause' });
    expect(read({ ...answer, headers: { ...answer.headers, ce_causationid: 'other' } }, options)).toEqual({ is: 'ignored' });
    expect(read(await record({ type: 'slipway.something.else.v1', by: 'gateway' }), options)).toEqual({ is: 'ignored' });
  });
});

describe('an event type', () => {
  it('is taken apart only when it is ours', () => {
    expect(parseType('slipway.image.built.v12')).toEqual({ name: 'image.built', version: 12 });
    for (const type of [undefined, '', 'image.built.v1', 'slipway.image.built', 'slipway.image.built.v0', 'slipway.Image.v1'])
      expect(parseType(type)).toBeUndefined();
  });
});

describe('a traceparent', () => {
  it('stays in its trace and is a span of its own', () => {
    const parent = newTraceparent();
    const child = newTraceparent(parent);
    expect(child.slice(0, 36)).toBe(parent.slice(0, 36));
    expect(child).not.toBe(parent);
    expect(newTraceparent('nonsense')).toMatch(/^00-/);
  });
});
