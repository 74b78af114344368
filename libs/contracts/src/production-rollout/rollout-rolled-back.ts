import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, ImageReference, Name, PersonReference, Reason, Release } from '../nouns.js';
import { RolloutKind } from '../rollout-kind.js';

/** The environment runs an earlier release again; the one it left is barred there until it is asked for and signed off anew. */
export const RolloutRolledBack = defineEvent({
  name: 'rollout.rolled-back',
  writer: 'production-rollout',
  topic: 'rollouts',
  about: 'release',
  actedOnBy: ['approval'],
  data: z.object({
    rollout: Id,
    kind: RolloutKind,
    release: Release,
    environment: Name,
    stage: z.enum(['pre-release', 'production']),
    from: Release.nullable(),
    image: ImageReference,
    address: z.string().max(400),
    reason: Reason,
    by: PersonReference.nullable(),
    seconds: z.number().nonnegative(),
  }),
});
