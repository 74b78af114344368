import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, PersonReference } from '../nouns.js';

/** A token lets nobody in any more: its owner revoked it, or `by` made its owner inactive. */
export const TokenRevoked = defineEvent({
  name: 'token.revoked',
  writer: 'gateway',
  topic: 'commands',
  about: 'person',
  actedOnBy: ['approval'],
  data: z.object({ person: PersonReference, token: Id, name: z.string().min(1).max(100), by: PersonReference }),
});
