import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CommitIdentity, Id, ImageReference, Name, PersonReference, Reason, Release, Revision, Sha256, Time } from '../nouns.js';
import { Requirement } from '../project-file.js';
import { ResolvedDeployment } from '../resolved-deployment.js';

/** What a person who signs lets in: the newest commits since what ran there, how many there are, and what of the settings differs. */
export const ChangeInView = z.object({
  since: z.object({ number: z.int().positive(), revision: Revision, image: ImageReference.nullable() }).nullable(),
  /** Newest first. */
  commits: z
    .array(z.object({ release: z.int().positive(), revision: Revision, author: z.string().max(300), title: z.string().max(200) }))
    .max(50),
  total: z.int().nonnegative(),
  /** Null where what the settings were is not known. */
  settings: z
    .array(z.object({ en: z.string().max(400), zh: z.string().max(400) }))
    .max(50)
    .nullable(),
});
export type ChangeInView = z.infer<typeof ChangeInView>;

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
    /** How to put the release back there when another one, or nothing, runs there now: the command, and the same over HTTP. Null when it runs there, or can't. */
    deployAgain: z
      .object({
        environment: Name,
        command: z.string().max(1000),
        call: z.object({
          method: z.literal('POST'),
          path: z.string().max(400),
          body: z.object({ release: Id, reason: z.string().max(400) }),
        }),
      })
      .nullable()
      .default(null),
    /** What is new to the environment: against the release that ran there when it was asked; null in requests of before this was told. */
    change: ChangeInView.nullable().default(null),
    /** The earlier no, when it is asked anew. */
    previous: z.object({ request: Id, reason: Reason, by: PersonReference.nullable() }).nullable(),
    authors: z.array(CommitIdentity).max(200),
  }),
});
