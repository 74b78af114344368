import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, ImageReference, Name, Reason } from '../nouns.js';

/** What became of a retired image in its registry: it is gone, or the registry keeps it, and why. It is tried again then, and only the first refusal is said. */
export const ImageRemoved = defineEvent({
  name: 'image.removed',
  writer: 'image-builder',
  topic: 'builds',
  about: 'project',
  information: true,
  data: z.object({
    project: Name,
    image: ImageReference,
    releases: z
      .array(z.object({ id: Id, number: z.int().positive() }))
      .min(1)
      .max(1000),
    /** Null where the image is gone. */
    refused: Reason.nullable(),
  }),
});
