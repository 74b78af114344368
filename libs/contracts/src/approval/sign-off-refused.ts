import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, PersonReference, Reason, Release } from '../nouns.js';

/** A sign-off does not count, for this reason; its key is the release, or one for all requests that nobody knows. Of what strangers post not all are told of. */
export const SignOffRefused = defineEvent({
  name: 'sign-off.refused',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  information: true,
  data: z.object({
    request: z.string().max(100),
    release: Release.nullable(),
    environment: z.string().nullable(),
    person: PersonReference.nullable(),
    posted: Id,
    reason: Reason,
  }),
});
