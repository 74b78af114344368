import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, Reason, Release } from '../nouns.js';
import { RolloutKind } from '../rollout-kind.js';

/** A rollout ended before its verdict: its grant was voided, the release withdrawn, or a newer one took its place. */
export const RolloutAborted = defineEvent({
  name: 'rollout.aborted',
  writer: 'production-rollout',
  topic: 'rollouts',
  about: 'release',
  actedOnBy: ['approval'],
  data: z.object({
    rollout: Id,
    /** The request whose grant it waited with; null for a rollback, which goes by a grant used long before. */
    request: Id.nullable().default(null),
    kind: RolloutKind,
    release: Release,
    environment: Name,
    reason: Reason,
    supersededBy: z.int().positive().nullable(),
  }),
});
