import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, Release } from '../nouns.js';

/** What had died or drifted runs again. */
export const EnvironmentRecovered = defineEvent({
  name: 'environment.recovered',
  writer: 'production-rollout',
  topic: 'rollouts',
  about: 'environment',
  information: true,
  data: z.object({ project: Name, environment: Name, release: Release, seconds: z.number().nonnegative(), what: z.string().max(1000) }),
});
