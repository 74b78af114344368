import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, PersonReference } from '../nouns.js';

/** A hold has ended: a person lifted it, or its time ran out (`by` is null then). */
export const EnvironmentUnheld = defineEvent({
  name: 'environment.unheld',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'environment',
  actedOnBy: ['approval'],
  data: z.object({ project: Name, environment: Name, by: PersonReference.nullable(), reason: z.string().max(4000) }),
});
