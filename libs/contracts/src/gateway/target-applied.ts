import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, PersonReference } from '../nouns.js';
import { TargetFile } from '../target-file.js';

/** A target in force from now on. `file` is null when it was removed. */
export const TargetApplied = defineEvent({
  name: 'target.applied',
  writer: 'gateway',
  topic: 'targets',
  about: 'target',
  actedOnBy: ['test-deployer', 'approval', 'production-rollout'],
  data: z.object({ target: Name, version: z.int().positive(), file: TargetFile.nullable(), by: PersonReference }),
});
