import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { PersonReference, Release } from '../nouns.js';

/** A release shall run nowhere any more: its grants end and no rollback chooses it. */
export const ReleaseWithdrawn = defineEvent({
  name: 'release.withdrawn',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  actedOnBy: ['production-rollout'],
  data: z.object({ release: Release, by: PersonReference, reason: z.string().max(4000) }),
});
