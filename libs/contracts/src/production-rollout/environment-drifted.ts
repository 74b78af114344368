import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, Release } from '../nouns.js';

/** What runs is not what was approved: another digest, another configuration, instances gone. */
export const EnvironmentDrifted = defineEvent({
  name: 'environment.drifted',
  writer: 'production-rollout',
  topic: 'rollouts',
  about: 'environment',
  information: true,
  data: z.object({
    project: Name,
    environment: Name,
    release: Release,
    found: z.array(z.string().max(1000)).max(50),
    healing: z.boolean(),
  }),
});
