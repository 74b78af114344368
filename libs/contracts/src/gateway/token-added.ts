import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, PersonReference, Time } from '../nouns.js';

/** Somebody made another token for themselves: its id and the name they gave it, never what it is or its hash. */
export const TokenAdded = defineEvent({
  name: 'token.added',
  writer: 'gateway',
  topic: 'commands',
  about: 'person',
  actedOnBy: ['approval'],
  data: z.object({ person: PersonReference, token: Id, name: z.string().min(1).max(100), expiresAt: Time.nullable() }),
});
