import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, Reason, Release } from '../nouns.js';

/** A request or its unused grant no longer stands: a bound part changed, or the release was withdrawn. */
export const ApprovalVoided = defineEvent({
  name: 'approval.voided',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  actedOnBy: ['production-rollout'],
  data: z.object({ request: Id, release: Release, environment: Name, reason: Reason, changed: z.array(z.string().max(400)) }),
});
