import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CheckResult, CommitIdentity, DsseEnvelope, Id, ImageReference, Name, Release } from '../nouns.js';
import { PinnedRepositoryFile } from '../project-file.js';

/** The checks of a test environment said yes to what runs there. */
export const VerificationPassed = defineEvent({
  name: 'verification.passed',
  writer: 'test-deployer',
  topic: 'deployments',
  about: 'release',
  actedOnBy: ['approval', 'test-deployer'],
  data: z.object({
    release: Release,
    projectVersion: z.int().positive(),
    environment: Name,
    deployment: Id,
    image: ImageReference,
    address: z.string().max(400),
    evidence: z.array(CheckResult).max(50),
    seconds: z.number().nonnegative(),
    provenance: DsseEnvelope,
    /** A DSSE envelope around a VerdictStatement, signed by test-deployer. */
    verdict: DsseEnvelope,
    repositoryFile: PinnedRepositoryFile.nullable(),
    authors: z.array(CommitIdentity).max(200),
  }),
});
