import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CheckResult, CommitIdentity, Id, ImageReference, Name, Release } from '../nouns.js';

/** The checks of a test environment said no; the authors are told what failed and where. */
export const VerificationFailed = defineEvent({
  name: 'verification.failed',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'release',
  information: true,
  data: z.object({
    release: Release,
    environment: Name,
    deployment: Id,
    image: ImageReference,
    address: z.string().max(400),
    evidence: z.array(CheckResult).max(50),
    seconds: z.number().nonnegative(),
    authors: z.array(CommitIdentity).max(200),
  }),
});
