import type { DsseEnvelope, Service } from '@slipway/contracts';
import type { Signer } from './dsse.js';
import { payloadTypes } from './payload-types.js';
import type { Trust } from './trust.js';

/** What an envelope holds, proven to be of this service and for this purpose; or why it is not. */
export type Opened = { readonly ok: true; readonly content: unknown } | { readonly ok: false; readonly reason: string };

export interface Sealed {
  readonly purpose: keyof typeof payloadTypes;
  readonly service: Service;
  readonly at?: Date | undefined;
}

/** Puts a text into a DSSE envelope signed by this key. */
export async function seal(signer: Signer, payloadType: string, text: string): Promise<DsseEnvelope> {
  const payload = Buffer.from(text, 'utf8');
  return { payloadType, payload: payload.toString('base64'), signatures: [await signer.sign(payloadType, payload)] };
}

/**
 * Opens an envelope that must have been sealed by this service for this purpose, with a key that was good when it was received (`at`; now by
 * default). `content` is its JSON, undefined where it is none. Never throws.
 */
export function open(trust: Trust, envelope: DsseEnvelope, { purpose, service, at }: Sealed): Opened {
  const expected = payloadTypes[purpose];
  if (envelope.payloadType !== expected) return { ok: false, reason: `a ${purpose} has payload type ${expected}` };
  const payload = Buffer.from(envelope.payload, 'base64');
  const verified = trust.verify(expected, payload, envelope.signatures, { service, at });
  return verified.ok ? { ok: true, content: contentOf(payload) } : { ok: false, reason: verified.reason };
}

function contentOf(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}
