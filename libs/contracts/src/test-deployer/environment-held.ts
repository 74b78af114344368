import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, PersonReference, Time } from '../nouns.js';

/** A tester keeps a test environment as it is, until a time or until unhold. */
export const EnvironmentHeld = defineEvent({
  name: 'environment.held',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'environment',
  actedOnBy: ['approval'],
  data: z.object({ project: Name, environment: Name, by: PersonReference, reason: z.string().max(4000), until: Time.nullable() }),
});
