import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, PersonReference, Release } from '../nouns.js';

/** A sign-off counts. */
export const SignOffAccepted = defineEvent({
  name: 'sign-off.accepted',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  information: true,
  data: z.object({
    request: Id,
    release: Release,
    environment: Name,
    person: PersonReference,
    decision: z.enum(['approve', 'reject']),
    comment: z.string().max(4000),
    via: z.enum(['http', 'key']),
    /** What ran in the test environment at that moment. */
    inTest: z.object({ environment: Name, release: z.int(), digest: z.string() }).nullable(),
    missing: z.array(z.string().max(400)),
  }),
});
