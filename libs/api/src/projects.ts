import { AppliedProjectFile, Name, PersonReference, Reason, TargetFile, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineCommand } from './commands.js';
import { defineRoute } from './route.js';

/** Why a project's source cannot be read, since when, and what to do about it. */
const SourceFailing = z.object({ reason: Reason, since: Time, mend: z.string() });
const ProjectView = z.object({
  name: Name,
  version: z.int(),
  file: AppliedProjectFile,
  appliedBy: PersonReference,
  appliedAt: Time,
  sourceFailing: SourceFailing.nullable().default(null),
});
const TargetView = z.object({ name: Name, version: z.int(), file: TargetFile, appliedBy: PersonReference, appliedAt: Time });
/** `changed: false` when the file says what is in force already. */
const Applied = z.object({ name: Name, version: z.int(), changed: z.boolean() });
const byName = z.strictObject({ name: Name });

export const projectRoutes = {
  listProjects: defineRoute({
    method: 'GET',
    path: '/api/v1/projects',
    summary: 'List projects',
    permission: 'signed-in',
    answer: z.object({ items: z.array(ProjectView) }),
  }),
  getProject: defineRoute({
    method: 'GET',
    path: '/api/v1/projects/{name}',
    summary: 'A project and its file',
    permission: 'release.read',
    params: byName,
    answer: ProjectView,
  }),
  applyProject: defineRoute({
    method: 'PUT',
    path: '/api/v1/projects/{name}',
    summary: 'Apply a project file, as JSON or YAML',
    permission: 'project.apply',
    params: byName,
    query: z.strictObject({ reason: z.string().max(1000).optional(), 'dry-run': z.enum(['true', 'false']).optional() }),
    body: z.unknown(),
    accepts: 'json-or-yaml',
    answer: Applied,
  }),
  removeProject: defineRoute({
    method: 'DELETE',
    path: '/api/v1/projects/{name}',
    summary: 'Remove a project',
    permission: 'project.apply',
    params: byName,
    answer: Applied,
  }),
  refreshProject: defineCommand({
    command: 'source.refresh',
    path: '/api/v1/projects/{name}/refresh',
    summary: 'Look at the source of a project now, not at its next poll',
    params: byName,
  }),
  listTargets: defineRoute({
    method: 'GET',
    path: '/api/v1/targets',
    summary: 'List targets',
    permission: 'signed-in',
    answer: z.object({ items: z.array(TargetView) }),
  }),
  applyTarget: defineRoute({
    method: 'PUT',
    path: '/api/v1/targets/{name}',
    summary: 'Apply a target file, as JSON or YAML',
    permission: 'target.apply',
    params: byName,
    query: z.strictObject({ 'dry-run': z.enum(['true', 'false']).optional() }),
    body: z.unknown(),
    accepts: 'json-or-yaml',
    answer: Applied,
  }),
  removeTarget: defineRoute({
    method: 'DELETE',
    path: '/api/v1/targets/{name}',
    summary: 'Remove a target',
    permission: 'target.apply',
    params: byName,
    answer: Applied,
  }),
};
