import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CommitIdentity, Reason, Release } from '../nouns.js';

/** The build said no: the release ends here unless somebody retries it. */
export const BuildFailed = defineEvent({
  name: 'build.failed',
  writer: 'image-builder',
  topic: 'builds',
  about: 'release',
  information: true,
  data: z.object({
    release: Release,
    attempt: z.int().positive(),
    reason: Reason,
    /** The instruction that failed, where there was one. */
    step: z.string().max(1000).nullable(),
    logTail: z.array(z.string().max(2000)).max(50),
    seconds: z.number().nonnegative(),
    /** Who is told. */
    authors: z.array(CommitIdentity).max(200),
  }),
});
