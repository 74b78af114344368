import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CommitIdentity, DsseEnvelope, Id, Name, PersonReference, Release, Sha256, Time } from '../nouns.js';

/** The release may enter the environment: the grant inside is the only thing production-rollout believes. Reissued with a new grant id while its rollout waits. */
export const ApprovalGranted = defineEvent({
  name: 'approval.granted',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  actedOnBy: ['production-rollout'],
  data: z.object({
    request: Id,
    release: Release,
    environment: Name,
    asks: Sha256,
    /** A DSSE envelope around a GrantStatement. */
    grant: DsseEnvelope,
    provenance: DsseEnvelope,
    verdict: DsseEnvelope,
    byPolicy: z.boolean(),
    reissued: z.boolean(),
    authors: z.array(CommitIdentity).max(200),
    signOffs: z.array(z.object({ person: PersonReference, role: z.string(), comment: z.string(), time: Time })),
  }),
});
