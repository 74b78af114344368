import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, ImageReference, Name, Release } from '../nouns.js';

/** The release runs healthy in a test environment; verification comes next. */
export const DeploymentSucceeded = defineEvent({
  name: 'deployment.succeeded',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'release',
  actedOnBy: ['approval'],
  data: z.object({
    release: Release,
    environment: Name,
    deployment: Id,
    image: ImageReference,
    address: z.string().max(400),
    instances: z.int().nonnegative(),
    seconds: z.number().nonnegative(),
  }),
});
