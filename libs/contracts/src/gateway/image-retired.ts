import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, ImageReference, Name } from '../nouns.js';

/**
 * Releases whose image is needed no longer: they can not be retried, promoted or rolled back to from now on. image-builder removes the image
 * once all releases that have it were retired.
 */
export const ImageRetired = defineEvent({
  name: 'image.retired',
  writer: 'gateway',
  topic: 'commands',
  about: 'project',
  actedOnBy: ['image-builder'],
  data: z.object({
    project: Name,
    image: ImageReference,
    releases: z
      .array(z.object({ id: Id, number: z.int().positive() }))
      .min(1)
      .max(1000),
    /** What was kept when this was decided: images this young, and so many that ran last in each environment. */
    rule: z.object({ days: z.int().positive(), newest: z.int().positive() }),
  }),
});
