import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, PersonReference, Time } from '../nouns.js';

/** Somebody came in with a one-time code, which made a token: named by its id, as `slipway token list` does, never by what it is or its hash. */
export const PersonSignedIn = defineEvent({
  name: 'person.signed-in',
  writer: 'gateway',
  topic: 'commands',
  about: 'person',
  actedOnBy: ['approval'],
  data: z.object({
    person: PersonReference,
    /** The first administrator's link, or an invitation. */
    with: z.enum(['administrator-link', 'invitation']),
    token: Id,
    expiresAt: Time,
  }),
});
