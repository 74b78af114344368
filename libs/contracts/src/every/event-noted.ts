import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id } from '../nouns.js';

/** A service has taken an event in and has nothing else to say about it; the sender stops saying it again. */
export const EventNoted = defineEvent({
  name: 'event.noted',
  writer: 'every',
  topic: 'home',
  about: 'release',
  information: true,
  data: z.object({ event: Id, outcome: z.enum(['noted', 'refused', 'dead-lettered', 'parked']), reason: z.string().max(1000).nullable() }),
});
