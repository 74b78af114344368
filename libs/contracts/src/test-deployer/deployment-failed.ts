import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CheckResult, CommitIdentity, Id, Name, Reason, Release } from '../nouns.js';

/** The release did not become healthy in a test environment. */
export const DeploymentFailed = defineEvent({
  name: 'deployment.failed',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'release',
  information: true,
  data: z.object({
    release: Release,
    environment: Name,
    deployment: Id,
    attempt: z.int().positive(),
    reason: Reason,
    evidence: z.array(CheckResult).max(50),
    authors: z.array(CommitIdentity).max(200),
  }),
});
