import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, Release } from '../nouns.js';

/** Nobody decided in time. */
export const ApprovalExpired = defineEvent({
  name: 'approval.expired',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  information: true,
  data: z.object({ request: Id, release: Release, environment: Name, missing: z.array(z.string().max(400)) }),
});
