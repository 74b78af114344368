import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, Time } from '../nouns.js';

/** What a service needs for a release does not answer: it waits for it and goes on by itself. Said once, not with each try, and not of a moment's absence. */
export const PartAway = defineEvent({
  name: 'part.away',
  writer: 'every',
  topic: 'home',
  about: 'release',
  information: true,
  data: z.object({
    release: Id,
    /** Where it is needed; null where all of the release's ways need it. */
    environment: Name.nullable(),
    /** `target`, `registry`, `docker-engine`, `source`; `approval` while that has not heard what runs there. */
    part: Name,
    since: Time,
    /** What came instead of an answer. */
    reason: z.string().max(1000),
  }),
});
