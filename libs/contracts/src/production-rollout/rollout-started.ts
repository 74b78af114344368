import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, ImageReference, Name, Release } from '../nouns.js';
import { RolloutKind } from '../rollout-kind.js';

/** The first intent is written: the grant is used from here on. */
export const RolloutStarted = defineEvent({
  name: 'rollout.started',
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
    attempt: z.int().positive(),
    grant: Id,
    image: ImageReference,
    replaces: Release.nullable(),
  }),
});
