import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CommitIdentity, DsseEnvelope, ImageReference, Release } from '../nouns.js';
import { PinnedRepositoryFile } from '../project-file.js';

/** The release has its image, in the registry under this digest; built now, or known already. */
export const ImageBuilt = defineEvent({
  name: 'image.built',
  writer: 'image-builder',
  topic: 'builds',
  about: 'release',
  actedOnBy: ['test-deployer', 'source-watcher'],
  data: z.object({
    release: Release,
    projectVersion: z.int().positive(),
    image: ImageReference,
    /** False when the digest was known and nothing was built. */
    built: z.boolean(),
    seconds: z.number().nonnegative(),
    /** in-toto Statement v1 with the SLSA v1 provenance predicate, signed by image-builder. */
    provenance: DsseEnvelope,
    repositoryFile: PinnedRepositoryFile.nullable(),
    authors: z.array(CommitIdentity).max(200),
  }),
});
