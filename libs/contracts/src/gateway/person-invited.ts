import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { PersonReference, Time } from '../nouns.js';

/** Somebody was given a new one-time code to come in with; those they had before are over. The code itself is told to nobody but who asked for it. */
export const PersonInvited = defineEvent({
  name: 'person.invited',
  writer: 'gateway',
  topic: 'commands',
  about: 'person',
  actedOnBy: ['approval'],
  data: z.object({ person: PersonReference, by: PersonReference, expiresAt: Time }),
});
