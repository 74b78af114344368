import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, ImageReference, Name, Release } from '../nouns.js';

/** A test environment begins to change to this release. */
export const DeploymentStarted = defineEvent({
  name: 'deployment.started',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'release',
  information: true,
  data: z.object({
    release: Release,
    environment: Name,
    deployment: Id,
    attempt: z.int().positive(),
    image: ImageReference,
    replaces: Release.nullable(),
  }),
});
