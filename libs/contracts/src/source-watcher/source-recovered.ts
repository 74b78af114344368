import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name } from '../nouns.js';

/** A source that had failed answers again. */
export const SourceRecovered = defineEvent({
  name: 'source.recovered',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'project',
  information: true,
  data: z.object({ project: Name, afterSeconds: z.number().nonnegative() }),
});
