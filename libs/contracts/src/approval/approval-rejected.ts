import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CommitIdentity, Id, Name, PersonReference, Release } from '../nouns.js';

/** Somebody said no, with a reason that reaches the authors. */
export const ApprovalRejected = defineEvent({
  name: 'approval.rejected',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  information: true,
  data: z.object({
    request: Id,
    release: Release,
    environment: Name,
    by: PersonReference,
    comment: z.string().max(4000),
    authors: z.array(CommitIdentity).max(200),
  }),
});
