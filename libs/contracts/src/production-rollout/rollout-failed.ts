import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { CheckResult, CommitIdentity, Id, Name, Reason, Release } from '../nouns.js';
import { RolloutKind } from '../rollout-kind.js';

/** The release did not become healthy: what follows is said by on-failure. */
export const RolloutFailed = defineEvent({
  name: 'rollout.failed',
  writer: 'production-rollout',
  topic: 'rollouts',
  about: 'release',
  actedOnBy: ['approval'],
  data: z.object({
    rollout: Id,
    kind: RolloutKind,
    release: Release,
    environment: Name,
    stage: z.enum(['pre-release', 'production']),
    reason: Reason,
    evidence: z.array(CheckResult).max(50),
    next: z.enum(['rollback', 'hold', 'nothing-to-go-back-to']),
    authors: z.array(CommitIdentity).max(200),
  }),
});
