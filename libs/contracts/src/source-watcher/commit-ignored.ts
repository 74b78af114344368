import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, Reason, Ref, Revision } from '../nouns.js';

/** A revision was seen and nothing will come of it, for this reason. */
export const CommitIgnored = defineEvent({
  name: 'commit.ignored',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'project',
  information: true,
  data: z.object({ project: Name, ref: Ref, revision: Revision.nullable(), reason: Reason }),
});
