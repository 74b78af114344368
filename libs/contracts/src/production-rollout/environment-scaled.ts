import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, PersonReference } from '../nouns.js';

/** The number of instances was changed by a person; it outlives rollouts until it is reset. */
export const EnvironmentScaled = defineEvent({
  name: 'environment.scaled',
  writer: 'production-rollout',
  topic: 'rollouts',
  about: 'environment',
  information: true,
  data: z.object({
    project: Name,
    environment: Name,
    from: z.int().nonnegative(),
    to: z.int().nonnegative(),
    by: PersonReference,
    reason: z.string().max(4000),
    seconds: z.number().nonnegative(),
  }),
});
