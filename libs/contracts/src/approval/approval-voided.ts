import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, PersonReference, Reason, Release } from '../nouns.js';

/** A request or its unused grant no longer stands: a bound part changed, or the release was withdrawn. */
export const ApprovalVoided = defineEvent({
  name: 'approval.voided',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  actedOnBy: ['production-rollout'],
  data: z.object({
    request: Id,
    release: Release,
    environment: Name,
    reason: Reason,
    changed: z.array(z.string().max(400)),
    /** Nothing was asked: as things are nothing can be, and the reason says what is missing. */
    unasked: z.literal(true).optional(),
    /** Who had signed it off; absent in what was said before this was told. */
    signedBy: z.array(PersonReference).max(500).optional(),
  }),
});
