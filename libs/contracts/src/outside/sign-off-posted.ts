import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { DsseEnvelope, Id } from '../nouns.js';

/**
 * Somebody signs a request off, or sends it back. It carries its own proof: a JWS by a key the person registered, or what the gateway attests of
 * a session or token. Nothing outside the proof is believed.
 */
export const SignOffPosted = defineEvent({
  name: 'sign-off.posted',
  writer: 'outside',
  topic: 'sign-offs',
  about: 'release',
  actedOnBy: ['approval'],
  data: z.object({
    request: Id,
    proof: z.discriminatedUnion('via', [
      z.object({ via: z.literal('key'), keyId: z.string().max(100), jws: z.string().max(20_000) }),
      z.object({ via: z.literal('http'), attestation: DsseEnvelope }),
    ]),
  }),
});
