import { catalog, type DataOf, type EventDefinition, Service, topicOf } from '@slipway/contracts';
import type { DsseSignature } from '@slipway/identity';
import { parseType, signedBytes } from '@slipway/messaging';
import type { History, Row, TopicRecord } from './history.ts';
import { Signatures } from './proofs.ts';

/** Something that was said, once, however often it lies in a topic. Its writer's signature was verified. */
export interface Said {
  readonly id: string;
  readonly name: string;
  readonly source: string;
  readonly subject: string;
  readonly sequence: number | undefined;
  readonly cause: string | undefined;
  readonly correlation: string | undefined;
  /** RFC 3339: when it happened, by its writer's database. */
  readonly time: string;
  readonly ms: number;
  /** When a broker first took it; never where it lies in a table only. */
  readonly at: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
  /** Where it lies, in the order it was taken. Empty where it was found in a table only. */
  readonly copies: readonly TopicRecord[];
}

/** The same with its data, brought up to the newest version and parsed. */
export type SaidOf<E extends EventDefinition> = Said & { readonly data: DataOf<E> };

/** What the records of a history say, once what nobody of the suite wrote was put aside. */
export interface Facts {
  readonly signatures: Signatures;
  /** In order of time, then of sequence. */
  readonly said: readonly Said[];
  /** By `source id`, as it calls itself. */
  readonly byId: ReadonlyMap<string, Said>;
  /** Records that prove no writer: forged, cut, not events at all. Log chunks are none of these. */
  readonly unproven: readonly TopicRecord[];
  /** What was said while everything was being read: tables that were read last have it and topics do not, and nothing can be concluded from that. */
  readonly meanwhile: { readonly ids: ReadonlySet<string>; readonly named: Facts['named'] };
  /** Proven records under an id that says other things elsewhere. */
  readonly otherBytes: readonly TopicRecord[];
  /** Rows of a table; empty where there is none. */
  rows(service: string, table: string): readonly Row[];
  /** True when the table was read at all. */
  has(service: string, table: string): boolean;
  /** Every event of a kind whose data fits its contract. */
  named<E extends EventDefinition>(event: E): readonly SaidOf<E>[];
}

const known = new WeakMap<History, Facts>();

/** Reads a history once, however many promises ask. */
export function factsOf(history: History): Facts {
  const facts = known.get(history) ?? gather(history);
  known.set(history, facts);
  return facts;
}

/** `approvals[2]@17`: where a record lies, for people. */
export function placeOf({ topic, partition, offset }: TopicRecord): string {
  return `${topic}[${partition}]@${offset}`;
}

/** An event in a few words: who said what, and where it lies. */
export function wordsOf({ source, name, sequence, copies, id }: Said): string {
  const [first] = copies;
  return `${name} #${sequence ?? '-'} of ${source} (${first ? placeOf(first) : 'no topic'}, ${id})`;
}

interface Found {
  readonly record: Pick<TopicRecord, 'headers' | 'value' | 'topic' | 'at'>;
  readonly copy: TopicRecord | undefined;
}

function gather(history: History): Facts {
  const signatures = new Signatures(history.about.trust);
  const tables = new Map(history.tables.map((table) => [`${table.service}.${table.name}`, table.rows]));
  const unproven: TopicRecord[] = [];
  const otherBytes: TopicRecord[] = [];
  const drafts = new Map<string, { said: Said; copies: TopicRecord[] }>();
  const take = ({ record, copy }: Found): void => {
    if (record.topic === 'logs') return;
    const { headers, value } = record;
    // What nobody signed is told apart from what a service said, whatever it calls itself.
    const key = `${isUnsigned(record) ? 'outside:' : ''}${headers['ce_source']} ${headers['ce_id']}`;
    const draft = drafts.get(key);
    if (draft && value !== null && draft.said.value.equals(value) && sameAttributes(draft.said.headers, headers)) {
      // The same bytes on another topic were put there by somebody else.
      if (copy) (copy.topic === (draft.copies[0] ?? copy).topic ? draft.copies : unproven).push(copy);
      return;
    }
    if (!isProven(signatures, record)) {
      if (copy) unproven.push(copy);
    } else if (draft && copy) otherBytes.push(copy);
    else if (!draft) {
      const copies = copy ? [copy] : [];
      drafts.set(key, { said: saidOf(record, copies), copies });
    }
  };
  for (const record of history.records) take({ record, copy: record });
  const meanwhile: Said[] = [];
  for (const { late, ...record } of keptInTables(tables, Date.parse(history.about.topicsAt ?? ''))) {
    if (late) meanwhile.push(saidOf(record, []));
    else take({ record, copy: undefined });
  }
  const said = [...drafts.values()].map(({ said: each, copies }) => ({
    ...each,
    copies,
    at: Math.min(...copies.map((copy) => copy.at), Number.POSITIVE_INFINITY),
  }));
  said.sort((one, other) => one.ms - other.ms || (one.sequence ?? 0) - (other.sequence ?? 0));
  return {
    signatures,
    said,
    byId: new Map(said.map((each) => [`${each.source} ${each.id}`, each])),
    unproven,
    meanwhile: { ids: new Set(meanwhile.map(({ id }) => id)), named: naming(meanwhile) },
    otherBytes,
    rows: (service, table) => tables.get(`${service}.${table}`) ?? [],
    has: (service, table) => tables.has(`${service}.${table}`),
    named: naming(said),
  };
}

function saidOf({ headers, value }: Found['record'], copies: readonly TopicRecord[]): Said {
  const time = headers['ce_time'] ?? '';
  // Who is not known counts for nobody.
  const sequence = isUnsigned({ headers }) ? undefined : headers['ce_sequence'];
  return {
    id: headers['ce_id'] ?? '',
    name: parseType(headers['ce_type'])?.name ?? '',
    source: headers['ce_source'] ?? '',
    subject: headers['ce_subject'] ?? '',
    sequence: sequence === undefined ? undefined : Number(sequence),
    cause: headers['ce_causationid'],
    correlation: headers['ce_correlationid'],
    time,
    ms: Date.parse(time),
    at: 0,
    headers,
    value: value ?? Buffer.alloc(0),
    copies,
  };
}

/**
 * What a service said, or keeps of what it heard, that no topic has: compacted away, lost with its topic, or `late`, not in it yet when the topics were read.
 * Where nobody kept when that was, only what is still to be published is late.
 */
function* keptInTables(tables: ReadonlyMap<string, readonly Row[]>, topicsAt: number): Generator<Found['record'] & { late: boolean }> {
  for (const [name, rows] of tables) {
    if (!name.endsWith('.outbox') && name !== 'gateway.journal') continue;
    for (const { headers, value_base64: value, received_at: at, published_at: published } of rows) {
      if (typeof value !== 'string') continue;
      yield {
        late: published === null || Date.parse(String(published ?? at)) > topicsAt,
        headers: headers as Record<string, string>,
        value: Buffer.from(value, 'base64'),
        topic: '',
        at: typeof at === 'string' ? Date.parse(at) : Date.parse((headers as Record<string, string>)['ce_time'] ?? ''),
      };
    }
  }
}

/** What may differ between two copies of one event: how often it was said, and what a tracing proxy did. */
const ofACopy = new Set(['ce_resend', 'ce_traceparent', 'ce_signature']);

function sameAttributes(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)].filter((name) => name.startsWith('ce_') && !ofACopy.has(name)));
  return [...names].every((name) => one[name] === other[name]);
}

/** Whether the one service that may say this has signed these bytes. What comes from outside brings its own proof, which is looked at where it counts. */
function isProven(trusted: Signatures, { headers, value, topic, at }: Found['record']): boolean {
  const definition = catalog.get(parseType(headers['ce_type'])?.name ?? '');
  if (!definition || value === null || !headers['ce_id'] || !headers['ce_subject']) return false;
  if (isUnsigned({ headers })) return true;
  const service = Service.safeParse(headers['ce_source']);
  if (!service.success) return false;
  if (definition.writer !== 'every' && definition.writer !== 'outside' && definition.writer !== service.data) return false;
  if (topic !== '' && topic !== topicOf(definition, service.data)) return false;
  const signatures = signaturesIn(headers['ce_signature']);
  return trusted.refusal(signedBytes(headers, value), signatures, { service: service.data, purpose: 'events', at }) === undefined;
}

/** From outside, with a proof of its own in its data, or none. */
function isUnsigned({ headers }: Pick<TopicRecord, 'headers'>): boolean {
  return catalog.get(parseType(headers['ce_type'])?.name ?? '')?.writer === 'outside' && !headers['ce_signature'];
}

function signaturesIn(header: string | undefined): DsseSignature[] {
  try {
    const signatures = JSON.parse(Buffer.from(header ?? '', 'base64url').toString('utf8')) as DsseSignature[];
    return signatures.filter(({ keyid, sig }) => typeof keyid === 'string' && typeof sig === 'string');
  } catch {
    return [];
  }
}

function naming(said: readonly Said[]): Facts['named'] {
  const byName = Map.groupBy(said, ({ name }) => name);
  const parsed = new Map<string, readonly SaidOf<EventDefinition>[]>();
  return (event) => {
    const found = parsed.get(event.name) ?? (byName.get(event.name) ?? []).flatMap((each) => withData(event, each));
    parsed.set(event.name, found);
    return found as readonly SaidOf<typeof event>[];
  };
}

function withData<E extends EventDefinition>(event: E, said: Said): SaidOf<E>[] {
  try {
    let data: unknown = JSON.parse(said.value.toString('utf8'));
    for (let at = parseType(said.headers['ce_type'])?.version ?? 1; at < event.version; at++) data = event.upcast[at]?.(data);
    const fits = event.data.safeParse(data);
    return fits.success ? [{ ...said, data: fits.data as DataOf<E> }] : [];
  } catch {
    return [];
  }
}
