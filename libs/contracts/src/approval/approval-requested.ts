import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CommitIdentity, Id, ImageReference, Name, PersonReference, Reason, Release, Sha256, Time } from '../nouns.js';
import { Requirement } from '../project-file.js';
import { ResolvedDeployment } from '../resolved-deployment.js';

/** People are asked whether exactly this deployment may go into an environment. Said again, with the same request id, whenever what is asked changes in view (who is missing, what runs in test). */
export const ApprovalRequested = defineEvent({
  name: 'approval.requested',
  writer: 'approval',
  topic: 'approvals',
  about: 'release',
  information: true,
  data: z.object({
    request: Id,
    release: Release,
    environment: Name,
    deployment: ResolvedDeployment,
    /** SHA-256 of the deployment's canonical JSON: what a sign-off names. */
    asks: Sha256,
    require: z.array(Requirement),
    /** What still lacks, in words. */
    missing: z.array(z.string().max(400)),
    /** People who may fill a requirement. */
    eligible: z.array(PersonReference).max(500),
    /** People whose own change this is, and so do not count. */
    involved: z.array(PersonReference).max(500),
    /** Identities of the change that match nobody: for each, one more distinct person must sign. */
    unmatched: z.array(CommitIdentity).max(500),
    soakUntil: Time.nullable(),
    expiresAt: Time,
    newerAvailable: z.int().positive().nullable(),
    /** What runs in the test environment the release came through, now. */
    inTest: z.object({ environment: Name, address: z.string(), release: Release, image: ImageReference }).nullable(),
    /** The earlier no, when it is asked anew. */
    previous: z.object({ request: Id, reason: Reason, by: PersonReference.nullable() }).nullable(),
    authors: z.array(CommitIdentity).max(200),
  }),
});
