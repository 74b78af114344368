import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Name, Release } from '../nouns.js';
import { RolloutKind } from '../rollout-kind.js';

/** One more instance, or one more step, is healthy. */
export const RolloutAdvanced = defineEvent({
  name: 'rollout.advanced',
  writer: 'production-rollout',
  topic: 'rollouts',
  about: 'release',
  information: true,
  data: z.object({
    rollout: Id,
    kind: RolloutKind,
    release: Release,
    environment: Name,
    ready: z.int().nonnegative(),
    wanted: z.int().nonnegative(),
    message: z.string().max(1000),
  }),
});
