import { type EventDefinition, Service, topicOf } from '@slipway/contracts';
import type { Trust } from '@slipway/identity';
import { z } from 'zod';
import { parseType, verified } from './envelope.js';
import type { InRecord } from './event-log.js';
import { isOfNewerForm } from './newer.js';
import type { Received } from './received.js';
import type { TopicNames } from './topic-names.js';

/** Why a record is a dead letter. */
export type PoisonReason =
  | 'not-an-event'
  | 'empty'
  | 'too-large'
  | 'wrong-topic'
  | 'bad-signature'
  | 'not-json'
  | 'bad-data'
  | 'same-id-other-data'
  | 'forgotten'
  | 'handler-failed'
  | 'given-up';

/** Who an event is from, as far as it was proven: ids of unproven senders live in a space of their own. */
export interface Identified {
  readonly source: string;
  readonly id: string;
  /** Whose events and answers it may settle or be answered to. */
  readonly service?: Service;
  readonly causationId?: string;
}

/** What a record turned out to be. */
export type Reading =
  | { readonly is: 'ignored' }
  | { readonly is: 'answer'; readonly service: Service; readonly causationId: string }
  | { readonly is: 'event'; readonly definition: EventDefinition; readonly event: Received; readonly from: Identified }
  | {
      readonly is: 'newer';
      readonly definition: EventDefinition;
      readonly from: Identified;
      readonly type: string;
      readonly subject: string;
      /** What this code knows of it, and what it does not. */
      readonly detail: string;
    }
  | {
      readonly is: 'poison';
      readonly reason: PoisonReason;
      readonly detail: string;
      readonly from?: Identified;
      readonly definition?: EventDefinition;
    };

export interface ReaderOptions {
  readonly service: Service;
  readonly trust: Trust;
  readonly topics: TopicNames;
  /** What this service has handlers for, by name. */
  readonly subscribed: ReadonlyMap<string, EventDefinition>;
  /** Services this one may be owed answers by. */
  readonly answering: ReadonlySet<Service>;
}

/** The largest data a record may carry, in bytes; what is larger was never written by us. */
export const maxValueBytes = 900_000;

const mostAttributeLength = 500;
/** Eight signatures, written as one attribute. */
const mostSignatureLength = 8_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is refused
const controls = /[\u0000-\u001f\u007f]/;
/** How kafkajs, as patched, says that there was a batch it can not unpack (patches/kafkajs+2.2.4.patch). */
const unreadable = 'kafkajs.unreadable';

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Says what a record is. Believes nothing, throws never (facts/reliability.md 1.6 K). */
export function read(record: InRecord, options: ReaderOptions): Reading {
  const { headers } = record;
  if (headers[unreadable] !== undefined) return poison('not-an-event', `its batch can not be read: ${headers[unreadable].slice(0, 200)}`);
  const type = parseType(headers['ce_type']);
  if (!type)
    return poison('not-an-event', `ce_type is ${JSON.stringify(headers['ce_type'] ?? null)?.slice(0, 200)}, not slipway.<name>.v<number>`);
  const definition = options.subscribed.get(type.name);
  if (!definition) return answerIn(record, options);

  const id = headers['ce_id'];
  const source = headers['ce_source'];
  const subject = headers['ce_subject'];
  if (!id || !source || !subject) return poison('not-an-event', `${!id ? 'ce_id' : !source ? 'ce_source' : 'ce_subject'} is missing`);
  const odd = oddAttribute(headers);
  if (odd) return poison('not-an-event', odd);
  if (!record.value || record.value.length === 0) return poison('empty', 'the record has no value');
  if (record.value.length >= maxValueBytes)
    return poison('too-large', `${record.value.length} bytes; at most ${maxValueBytes - 1} are taken`);

  const who = whose(record, record.value, definition, source, options);
  if (!who.ok) return poison(who.poison, who.detail);
  const from: Identified = {
    source: who.service ?? `outside:${source}`,
    id,
    service: who.service,
    causationId: headers['ce_causationid'],
  };
  if (type.version > definition.version) {
    const known = `this code knows version ${definition.version}`;
    // What waits for an upgrade waits as long as it takes: only what one of ours has signed may.
    return from.service ? newer(record, definition, from, known) : { ...poison('bad-data', known), from, definition };
  }
  return parsed(record, record.value, definition, type.version, from, who.keyId);
}

/**
 * What is wrong with an attribute of an event, whoever wrote it. They go into tables, where no text may hold a NUL, into the attributes of answers,
 * which have to fit into a record themselves, and onto pages.
 */
function oddAttribute(headers: InRecord['headers']): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce_')) continue;
    const most = name === 'ce_signature' ? mostSignatureLength : mostAttributeLength;
    if (value.length > most) return `${name.slice(0, 100)} is longer than ${most} characters`;
    if (controls.test(value)) return `${name.slice(0, 100)} holds a control character`;
  }
  return undefined;
}

type Whose = { ok: true; service?: Service; keyId?: string } | { ok: false; poison: PoisonReason; detail: string };

/** The service that proved to have written it, or nobody for what comes from outside without one of our signatures. */
function whose(record: InRecord, value: Buffer, definition: EventDefinition, source: string, options: ReaderOptions): Whose {
  if (definition.writer === 'outside' && !record.headers['ce_signature']) return { ok: true };
  const service = Service.safeParse(source);
  if (!service.success)
    return { ok: false, poison: 'bad-signature', detail: `${JSON.stringify(source.slice(0, 100))} is none of our services` };
  if (definition.writer !== 'every' && definition.writer !== 'outside' && definition.writer !== service.data) {
    return {
      ok: false,
      poison: 'bad-signature',
      detail: `${definition.name} is said by ${definition.writer} only, not by ${service.data}`,
    };
  }
  const right = options.topics.of(topicOf(definition, service.data));
  if (record.topic !== right)
    return { ok: false, poison: 'wrong-topic', detail: `${definition.name} of ${service.data} belongs to ${right}` };
  const proof = verified(record.headers, value, options.trust, { service: service.data, at: new Date(record.timestamp) });
  if (!proof.ok) return { ok: false, poison: 'bad-signature', detail: proof.reason };
  return { ok: true, service: service.data, keyId: proof.keyId };
}

function parsed(
  record: InRecord,
  value: Buffer,
  definition: EventDefinition,
  version: number,
  from: Identified,
  keyId: string | undefined,
): Reading {
  let data: unknown;
  try {
    data = JSON.parse(text.decode(value));
  } catch (error) {
    return { ...poison('not-json', (error as Error).message), from, definition };
  }
  try {
    for (let at = version; at < definition.version; at++) {
      const upcast = definition.upcast[at];
      if (!upcast) return { ...poison('bad-data', `no upcaster from version ${at} of ${definition.name}`), from, definition };
      data = upcast(data);
    }
  } catch (error) {
    return { ...poison('bad-data', `the upcaster of ${definition.name} failed: ${String(error)}`), from, definition };
  }
  const fits = definition.data.safeParse(data);
  if (!fits.success) {
    const detail = z.prettifyError(fits.error).slice(0, 1900);
    if (from.service && version === definition.version && isOfNewerForm(data, fits.error))
      return newer(record, definition, from, `this code knows version ${version} without something it says: ${detail}`);
    return { ...poison('bad-data', detail), from, definition };
  }
  return { is: 'event', definition, event: received(record, value, definition, version, from, keyId, fits.data), from };
}

/** Of a record whose type and subject are known to be there. */
function newer({ headers }: InRecord, definition: EventDefinition, from: Identified, detail: string): Reading {
  return { is: 'newer', definition, from, type: headers['ce_type'] as string, subject: headers['ce_subject'] as string, detail };
}

function received(
  record: InRecord,
  value: Buffer,
  definition: EventDefinition,
  version: number,
  from: Identified,
  keyId: string | undefined,
  data: unknown,
): Received {
  const { headers, topic, partition, offset } = record;
  const sequence =
    headers['ce_sequence'] !== undefined && /^[0-9]{1,15}$/.test(headers['ce_sequence']) ? Number(headers['ce_sequence']) : undefined;
  return {
    id: from.id,
    name: definition.name,
    version,
    source: headers['ce_source'] as string,
    subject: headers['ce_subject'] as string,
    time: headers['ce_time'] ?? new Date(record.timestamp).toISOString(),
    sequence,
    correlationId: headers['ce_correlationid'],
    causationId: headers['ce_causationid'],
    traceparent: headers['ce_traceparent'],
    data: data as Received['data'],
    raw: { headers, value },
    signature: keyId === undefined ? undefined : { keyId, envelope: headers['ce_signature'] as string },
    topic,
    partition,
    offset,
    resent: headers['ce_resend'] !== undefined,
  };
}

/** An event we have no handler for may still settle a hand-off, but only when it is really that service's. */
function answerIn(record: InRecord, options: ReaderOptions): Reading {
  const causationId = record.headers['ce_causationid'];
  const service = Service.safeParse(record.headers['ce_source']);
  if (!causationId || !record.value || !service.success || !options.answering.has(service.data)) return { is: 'ignored' };
  if (!verified(record.headers, record.value, options.trust, { service: service.data, at: new Date(record.timestamp) }).ok)
    return { is: 'ignored' };
  return { is: 'answer', service: service.data, causationId };
}

function poison(reason: PoisonReason, detail: string): { is: 'poison'; reason: PoisonReason; detail: string } {
  return { is: 'poison', reason, detail };
}
