import type { DsseEnvelope } from '@slipway/contracts';
import type { Signer } from '@slipway/identity';

/** Puts a text into a DSSE envelope signed by this key. */
export async function sealed(signer: Signer, payloadType: string, text: string): Promise<DsseEnvelope> {
  const payload = Buffer.from(text, 'utf8');
  return { payloadType, payload: payload.toString('base64'), signatures: [await signer.sign(payloadType, payload)] };
}

/** The text in an envelope, and its bytes as signed. */
export function opened(envelope: DsseEnvelope): { bytes: Buffer; text: string } {
  const bytes = Buffer.from(envelope.payload, 'base64');
  return { bytes, text: bytes.toString('utf8') };
}
