import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id } from '../nouns.js';

/** The largest text of one chunk, in bytes of UTF-8. */
export const logChunkBytes = 64 * 1024;

/** A piece of a build's or container's log. Bypasses the outbox: numbered from 0, at most 64 KiB, kept by the gateway. */
export const LogAppended = defineEvent({
  name: 'log.appended',
  writer: 'every',
  topic: 'logs',
  about: 'release',
  information: true,
  data: z.object({
    release: Id,
    /** Which log: `build/1`, `verify/test/1`. */
    stream: z.string().max(200),
    chunk: z.int().nonnegative(),
    text: z.string().max(logChunkBytes),
    last: z.boolean(),
  }),
});
