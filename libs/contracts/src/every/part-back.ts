import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name } from '../nouns.js';

/** What was said to be away answers again, or is needed no longer. */
export const PartBack = defineEvent({
  name: 'part.back',
  writer: 'every',
  topic: 'home',
  about: 'release',
  information: true,
  data: z.object({ release: Id, environment: Name.nullable(), part: Name, afterSeconds: z.number().nonnegative() }),
});
