import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, Reason } from '../nouns.js';

/** A test environment no longer exists: the project dropped it, or was itself removed. */
export const EnvironmentRemoved = defineEvent({
  name: 'environment.removed',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'environment',
  actedOnBy: ['approval'],
  data: z.object({ project: Name, environment: Name, reason: Reason }),
});
