import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, Reason, Time } from '../nouns.js';

/** A source cannot be read, or says something it should not; said once until it recovers. */
export const SourceFailed = defineEvent({
  name: 'source.failed',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'project',
  information: true,
  data: z.object({ project: Name, reason: Reason, since: Time }),
});
