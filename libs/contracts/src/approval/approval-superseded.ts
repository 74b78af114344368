import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, PersonReference, Release } from '../nouns.js';

/** Another release goes instead, or runs there already and is newer or holds this one. */
export const ApprovalSuperseded = defineEvent({
  name: 'approval.superseded',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  actedOnBy: ['production-rollout'],
  data: z.object({
    request: Id,
    release: Release,
    environment: Name,
    by: Release,
    /** It runs there already. */
    runs: z.literal(true).optional(),
    /** Nothing was asked, for it runs there already. */
    unasked: z.literal(true).optional(),
    /** Who had signed it off; absent in what was said before this was told. */
    signedBy: z.array(PersonReference).max(500).optional(),
  }),
});
