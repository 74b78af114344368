import { randomBytes } from 'node:crypto';
import type { Service } from '@slipway/contracts';
import { canonicalJson, type DsseSignature, payloadTypes, type Signer, type Trust, type Verified } from '@slipway/identity';
import { z } from 'zod';

export type Headers = Readonly<Record<string, string>>;

/** Not signed: the signature itself, what a tracing proxy may change, and how often the sender had to say it. */
const unsigned = new Set(['ce_signature', 'ce_traceparent', 'ce_resend']);

const Signatures = z.array(z.object({ keyid: z.string().max(200), sig: z.string().max(200) })).max(8);

export interface Attributes {
  readonly id: string;
  readonly source: Service;
  readonly type: string;
  readonly time: Date;
  readonly subject: string;
  readonly sequence?: number;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
}

/** CloudEvents 1.0, Kafka protocol binding, binary content mode, with the extensions of design part 3. Not signed yet. */
export function headersOf(of: Attributes): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: of.id,
    ce_source: of.source,
    ce_type: of.type,
    ce_time: of.time.toISOString(),
    ce_subject: of.subject,
    ce_partitionkey: of.subject,
    ce_traceparent: of.traceparent ?? newTraceparent(),
  };
  if (of.sequence !== undefined) headers['ce_sequence'] = String(of.sequence);
  if (of.correlationId !== undefined) headers['ce_correlationid'] = of.correlationId;
  if (of.causationId !== undefined) headers['ce_causationid'] = of.causationId;
  return headers;
}

/** The bytes an event's signature is over: its attributes in canonical form, a line break, its data as it travels. */
export function signedBytes(headers: Headers, value: Uint8Array): Buffer {
  const attributes = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('ce_') && !unsigned.has(name)));
  return Buffer.concat([Buffer.from(`${canonicalJson(attributes)}\n`, 'utf8'), value]);
}

/** The headers with `ce_signature` added. */
export async function signed(headers: Headers, value: Uint8Array, signer: Signer): Promise<Record<string, string>> {
  const signature = await signer.sign(payloadTypes.events, signedBytes(headers, value));
  return { ...headers, ce_signature: Buffer.from(JSON.stringify([signature]), 'utf8').toString('base64url') };
}

/**
 * Whether this is what that service wrote, every byte of it. `at` is when the log took it, by the log's own clock: what lies in a compacted
 * topic was signed by a key that may have ended since. Never throws.
 */
export function verified(headers: Headers, value: Uint8Array, trust: Trust, { service, at }: { service: Service; at: Date }): Verified {
  const envelope = headers['ce_signature'];
  if (!envelope) return { ok: false, reason: `not signed; a signature of ${service} is needed` };
  let signatures: DsseSignature[];
  try {
    signatures = Signatures.parse(JSON.parse(Buffer.from(envelope, 'base64url').toString('utf8')));
  } catch {
    return { ok: false, reason: 'ce_signature is not base64url of [{keyid, sig}]' };
  }
  return trust.verify(payloadTypes.events, signedBytes(headers, value), signatures, { service, at });
}

/** A W3C trace context: a new span in the given trace, or a new trace. */
export function newTraceparent(parent?: string): string {
  const match = parent === undefined ? undefined : /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(parent);
  return `00-${match?.[1] ?? randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-${match?.[2] ?? '01'}`;
}

/** `slipway.image.built.v1` apart; undefined for anything else. */
export function parseType(type: string | undefined): { name: string; version: number } | undefined {
  const match = type === undefined ? undefined : /^slipway\.([a-z0-9.-]{1,150})\.v([1-9][0-9]{0,4})$/.exec(type);
  return match ? { name: match[1] as string, version: Number(match[2]) } : undefined;
}
