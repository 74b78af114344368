import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Name, PersonReference } from '../nouns.js';
import { AppliedProjectFile } from '../project-file.js';

/** A project file in force from now on. `file` is null when the project was removed. */
export const ProjectApplied = defineEvent({
  name: 'project.applied',
  writer: 'gateway',
  topic: 'projects',
  about: 'project',
  actedOnBy: ['source-watcher', 'image-builder', 'test-deployer', 'approval', 'production-rollout'],
  data: z.object({
    project: Name,
    version: z.int().positive(),
    file: AppliedProjectFile.nullable(),
    by: PersonReference,
    reason: z.string().max(4000),
  }),
});
