import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, ImageReference, Name, Release, Sha256 } from '../nouns.js';
import { RolloutKind } from '../rollout-kind.js';

/** The release runs healthy in the environment, by the digest that was approved. */
export const RolloutSucceeded = defineEvent({
  name: 'rollout.succeeded',
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
    grant: Id,
    asks: Sha256,
    image: ImageReference,
    address: z.string().max(400),
    instances: z.int().nonnegative(),
    seconds: z.number().nonnegative(),
    leadSeconds: z.number().nonnegative(),
  }),
});
