import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Commit, CommitIdentity, ImageReference, PersonReference, Release, Revision } from '../nouns.js';
import { PinnedRepositoryFile } from '../project-file.js';

/** A release is born: a revision, a tag or a changed configuration that some environment may run. */
export const CommitDetected = defineEvent({
  name: 'commit.detected',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'release',
  actedOnBy: ['image-builder', 'approval'],
  data: z.object({
    release: Release,
    projectVersion: z.int().positive(),
    /**
     * What came since the last release of the line that this one holds or, where there is none, since the release the line grew from, newest first; the newest
     * 200, while `people` is always whole. `merged` are earlier releases that came in with it, by number: of each branch that was merged the newest, and the one it
     * is counted from where that is of another line; what these hold it holds, too. Absent in what was told before this was so.
     */
    range: z.object({
      from: Revision.nullable(),
      commits: z.array(Commit).max(200),
      total: z.int().nonnegative(),
      merged: z.array(z.int().positive()).max(200).optional(),
    }),
    /** Everybody who wrote or committed any of it, each once: separation of duties counts on this list being whole. */
    people: z.array(CommitIdentity).max(2000),
    /** Who pushed it; null where the source cannot say, as when polling. */
    pusher: CommitIdentity.nullable(),
    trigger: z.object({ kind: z.enum(['webhook', 'poll', 'command', 'project']), person: PersonReference.nullable() }),
    /** `slipway.yaml` as it stood at the revision. */
    repositoryFile: PinnedRepositoryFile.nullable(),
    /** The image where nothing is to be built (kind tag of a built revision, image, configuration). */
    image: ImageReference.nullable(),
  }),
});
