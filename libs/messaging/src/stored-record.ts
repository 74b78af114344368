import { z } from 'zod';
import type { InRecord } from './event-log.js';

/** A record as it waits in a table. */
const Stored = z.object({
  topic: z.string(),
  partition: z.int(),
  offset: z.string(),
  key: z.string().nullable(),
  value: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  timestamp: z.number(),
});

/** What a hostile record may cost us on disk. */
const mostBytes = 1_000_000;
const mostHeaderBytes = 64_000;

/** A record as JSON for a table; `cut` when it was too large to be kept whole, so that it can be looked at but not replayed. */
export function store(record: InRecord): { json: string; cut: boolean } {
  const headers = Object.fromEntries(Object.entries(record.headers).map(([name, value]) => [withoutNull(name), withoutNull(value)]));
  const headersFit = JSON.stringify(headers).length <= mostHeaderBytes;
  const valueFits = (record.value?.length ?? 0) <= mostBytes;
  const json = JSON.stringify({
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    key: record.key === null ? null : withoutNull(record.key).slice(0, 1000),
    value: record.value?.subarray(0, mostBytes).toString('base64') ?? null,
    headers: headersFit ? headers : {},
    timestamp: record.timestamp,
  } satisfies z.input<typeof Stored>);
  return { json, cut: !headersFit || !valueFits };
}

/** The record of a jsonb column. */
export function restore(json: unknown): InRecord {
  const stored = Stored.parse(json);
  return { ...stored, value: stored.value === null ? null : Buffer.from(stored.value, 'base64') };
}

/** Postgres keeps no NUL in text or jsonb. */
function withoutNull(text: string): string {
  return text.replaceAll('\0', '�');
}
