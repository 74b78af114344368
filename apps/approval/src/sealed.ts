import type { DsseEnvelope } from '@slipway/contracts';

/** The text in an envelope, and its bytes as signed. */
export function opened(envelope: DsseEnvelope): { bytes: Buffer; text: string } {
  const bytes = Buffer.from(envelope.payload, 'base64');
  return { bytes, text: bytes.toString('utf8') };
}
