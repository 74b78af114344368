import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, Ref, Release, Revision } from '../nouns.js';

/** A revision went live inside a newer one of the same push or poll: no release of its own. */
export const CommitFolded = defineEvent({
  name: 'commit.folded',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'release',
  information: true,
  data: z.object({ project: Name, ref: Ref, revision: Revision, into: Release }),
});
