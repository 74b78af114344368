import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Reason, Release } from '../nouns.js';

/** The build was given up: a person asked, or a newer release took its place. */
export const BuildCancelled = defineEvent({
  name: 'build.cancelled',
  writer: 'image-builder',
  topic: 'builds',
  about: 'release',
  information: true,
  data: z.object({ release: Release, reason: Reason, supersededBy: z.int().positive().nullable() }),
});
