import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, Release } from '../nouns.js';

/** A newer release took this request's place. */
export const ApprovalSuperseded = defineEvent({
  name: 'approval.superseded',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  actedOnBy: ['production-rollout'],
  data: z.object({ request: Id, release: Release, environment: Name, by: Release }),
});
