import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Release } from '../nouns.js';

/** A worker has begun to build the release's image. */
export const BuildStarted = defineEvent({
  name: 'build.started',
  writer: 'image-builder',
  topic: 'builds',
  about: 'release',
  information: true,
  data: z.object({ release: Release, attempt: z.int().positive(), backend: z.enum(['docker']) }),
});
