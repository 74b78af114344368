import { createHash } from 'node:crypto';
import {
  type AuditLink,
  AuditLinked,
  auditGenesis,
  type DsseEnvelope,
  type EventDefinition,
  type Service,
  services,
  topicOf,
} from '@slipway/contracts';
import { canonicalJson, digestOf, payloadTypes, seal } from '@slipway/identity';
import { signedBytes } from '@slipway/messaging';
import { anId, type TestKeyRing } from '@slipway/testkit';
import type { Place, Row, Table, TopicRecord } from './history.ts';

/** Something a service says in a history that is made up. */
export interface Line {
  /** What a test calls it: `rollout.started 2`. */
  readonly key: string;
  readonly writer: Service;
  readonly event: EventDefinition;
  readonly subject: string;
  readonly data: unknown;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cause?: string | undefined;
  readonly correlation?: string | undefined;
}

/** What topics are called by in a history that is made up. */
export const prefix = 'slipway.';

/** What the audit chains keep of a run. */
const recorded =
  /^(approval\.|sign-off\.accepted|rollout\.(started|succeeded|failed|aborted|rolled-back)|command\.issued|person\.changed|project\.applied|target\.applied)/;

/** Says lines as services do: numbered by writer and subject, signed, into topics of one partition, and kept in the tables that follow from that. */
export class Scribe {
  readonly lines: Line[] = [];
  readonly #keys: TestKeyRing;

  constructor(keys: TestKeyRing) {
    this.#keys = keys;
  }

  say(line: Omit<Line, 'id'> & { readonly id?: string }): string {
    const id = line.id ?? anId();
    this.lines.push({ ...line, id });
    return id;
  }

  /** Seals a statement as that service does. */
  seal(service: Service, purpose: keyof typeof payloadTypes, statement: unknown): Promise<DsseEnvelope> {
    return seal(this.#keys.keys[service].signer, payloadTypes[purpose], canonicalJson(statement));
  }

  /** Links what was decided, as approval does at the end; `but` is the key of a line that is left out. */
  async link(at: number, but?: string): Promise<{ links: readonly AuditLink[]; heads: readonly Row[] }> {
    const all: AuditLink[] = [];
    const heads: Row[] = [];
    const decided = this.lines.filter(({ event, key }) => recorded.test(event.name) && key !== but);
    for (const [chain, lines] of Map.groupBy(decided, ({ data }) => chainOf(data))) {
      let previous = auditGenesis;
      const links = lines.map((line, index): AuditLink => {
        const link = {
          chain,
          sequence: index + 1,
          at: new Date(line.at).toISOString(),
          event: line.id,
          entry: { event: line.event.name, ...(line.data as object) },
          previous,
        };
        previous = digestOf(link);
        return { ...link, hash: previous };
      });
      const last = links.at(-1) as AuditLink;
      const head = await this.seal('approval', 'audit-head', { chain, sequence: last.sequence, hash: last.hash, at: last.at });
      this.say({ key: `audit.linked ${chain}`, writer: 'approval', event: AuditLinked, subject: chain, data: { chain, links, head }, at });
      heads.push({ chain, sequence: last.sequence, hash: last.hash, at: last.at, envelope: head });
      all.push(...links);
    }
    return { links: all, heads };
  }

  /** Every line as the record it lies in. */
  async records(): Promise<TopicRecord[]> {
    const counts = new Map<string, number>();
    const ends = new Map<string, number>();
    const records: TopicRecord[] = [];
    for (const line of this.lines.toSorted((one, other) => one.at - other.at)) {
      const { writer, event, subject, id, at, cause, correlation } = line;
      const topic = topicOf(event, writer);
      const sequence = (counts.get(`${writer} ${subject}`) ?? 0) + 1;
      counts.set(`${writer} ${subject}`, sequence);
      const headers: Record<string, string> = {
        ce_specversion: '1.0',
        ce_id: id,
        ce_source: writer,
        ce_type: event.type,
        ce_time: new Date(at).toISOString(),
        ce_subject: subject,
        ce_sequence: String(sequence),
        ...(cause && { ce_causationid: cause }),
        ...(correlation && { ce_correlationid: correlation }),
      };
      const value = Buffer.from(JSON.stringify(line.data));
      const signature = await this.#keys.keys[writer].signer.sign(payloadTypes.events, signedBytes(headers, value));
      const ce_signature = Buffer.from(JSON.stringify([signature])).toString('base64url');
      const offset = ends.get(topic) ?? 0;
      ends.set(topic, offset + 1);
      records.push({ topic, partition: 0, offset, key: subject, headers: { ...headers, ce_signature }, value, at: at + 5 });
    }
    return records;
  }
}

function chainOf(data: unknown): string {
  const { release, project, action } = data as { release?: { project?: string }; project?: string; action?: { project?: string } };
  return release?.project ?? project ?? action?.project ?? 'installation';
}

/** Where every service has read to: the end of everything. */
export function placesAt(records: readonly TopicRecord[]): Place[] {
  return [...Map.groupBy(records, ({ topic }) => topic)].flatMap(([topic, of]) =>
    services.map((service) => ({ service, topic, partition: 0, committed: of.length, first: 0, end: of.length })),
  );
}

/** The tables every service has: what it said is published, answered and done. */
export function messagingTables(records: readonly TopicRecord[], operations: readonly (Row & { readonly service: string })[]): Table[] {
  return services.flatMap((service) => {
    const said = records.filter(({ headers }) => headers['ce_source'] === service);
    return [
      {
        service,
        name: 'outbox',
        rows: said.map((record) => ({
          event_id: record.headers['ce_id'],
          published_at: record.headers['ce_time'],
          value_sha256: digest(record),
        })),
      },
      { service, name: 'handoff', rows: [] },
      { service, name: 'dead_letter', rows: [] },
      { service, name: 'parked', rows: [] },
      {
        service,
        name: 'stored_offset',
        rows: placesAt(records).flatMap(({ service: of, topic, partition, end }) =>
          of === service ? [{ topic: `${prefix}${topic}`, partition, next: end }] : [],
        ),
      },
      { service, name: 'operation', rows: operations.filter((row) => row.service === service) },
    ];
  });
}

/** What the gateway keeps of all that was said. */
export function gatewayTables(records: readonly TopicRecord[], links: readonly AuditLink[]): Table[] {
  const of = records.map((record) => ({ record, releases: releasesIn(record) }));
  const releases = [...new Set(of.flatMap(({ releases: ids }) => ids))];
  const journal = of.map(({ record, releases: [release = null] }, seq) => ({
    seq: seq + 1,
    event_id: record.headers['ce_id'],
    source: record.headers['ce_source'],
    name: record.headers['ce_type']?.replace(/^slipway\.|\.v\d+$/g, ''),
    release,
    headers: record.headers,
    value_sha256: digest(record),
  }));
  return [
    { service: 'gateway', name: 'journal', rows: journal },
    { service: 'gateway', name: 'journal_archive', rows: [] },
    { service: 'gateway', name: 'release', rows: releases.map((id) => ({ id })) },
    {
      service: 'gateway',
      name: 'release_event',
      rows: of.flatMap(({ record, releases: ids }) => ids.map((release) => ({ release, event_id: record.headers['ce_id'] }))),
    },
    { service: 'gateway', name: 'audit_link', rows: links.map((link) => ({ chain: link.chain, sequence: link.sequence, link })) },
    { service: 'gateway', name: 'audit_conflict', rows: [] },
  ];
}

function releasesIn({ value }: TopicRecord): string[] {
  type Named = { id?: string } | null | undefined;
  type Telling = { release?: Named; replaces?: Named; from?: Named; releases?: Named[] };
  const { release, replaces, from, releases = [] } = JSON.parse(String(value)) as Telling;
  return [...new Set([release, replaces, from, ...releases].flatMap((named) => named?.id ?? []))];
}

function digest({ value }: TopicRecord): string {
  return createHash('sha256')
    .update(value ?? '')
    .digest('hex');
}
