import { Controller } from '@nestjs/common';
import { type Route, routes } from '@slipway/api';
import { ProjectFile, TargetFile } from '@slipway/contracts';
import { can } from '@slipway/identity';
import type { z } from 'zod';
import { ApiProblem } from '../api-problem.js';
import { Applying, type Manner } from '../applying.js';
import { Commanding } from '../commanding.js';
import { sourceMend } from '../domain/source-mend.js';
import { Applied, type AppliedRow, type Kind, Ledger, type SourceFailure } from '../ports.js';
import type { Answered, Asked } from './asked.js';
import { wrongFields } from './sent-file.js';
import { Ask, Serve } from './serve.js';

type R = typeof routes;

/** Projects and targets: files in, files out; and a look at a project's source before its poll is due. */
@Controller()
export class ProjectsController {
  constructor(
    private readonly applied: Applied,
    private readonly ledger: Ledger,
    private readonly applying: Applying,
    private readonly commanding: Commanding,
  ) {}

  @Serve(routes.listProjects)
  async list(@Ask() { by }: Asked<R['listProjects']>): Promise<Answered<R['listProjects']>> {
    const rows = (await this.applied.list('project')).filter(({ name }) => can(by, 'release.read', name));
    const failing = await this.ledger.failingSources(rows.map(({ name }) => name));
    return { items: rows.map((row) => projectView(row, failing.get(row.name))) };
  }

  @Serve(routes.getProject)
  async get(@Ask() { params }: Asked<R['getProject']>): Promise<Answered<R['getProject']>> {
    const row = await this.applied.find('project', params.name);
    if (!row?.file) throw ApiProblem.notFound('such project');
    return projectView(row, (await this.ledger.failingSources([row.name])).get(row.name));
  }

  @Serve(routes.applyProject)
  apply(@Ask() asked: Asked<R['applyProject']>): Promise<Answered<R['applyProject']>> {
    const file = fileIn('project file', ProjectFile, asked);
    return this.applying.applyProject(file, mannerOf(asked, asked.query.reason ?? 'applied'));
  }

  @Serve(routes.removeProject)
  remove(@Ask() { params, by }: Asked<R['removeProject']>): Promise<Answered<R['removeProject']>> {
    return this.applying.remove('project', params.name, { id: by.id, name: by.name });
  }

  @Serve(routes.refreshProject)
  async refresh(@Ask() { params, body, by }: Asked<R['refreshProject']>): Promise<Answered<R['refreshProject']>> {
    const project = params.name;
    if (!(await this.applied.find('project', project))?.file) throw ApiProblem.notFound('such project');
    return this.commanding.command({ action: { kind: 'source.refresh', project }, person: by, project, reason: body.reason });
  }

  @Serve(routes.listTargets)
  async listTargets(@Ask() { by }: Asked<R['listTargets']>): Promise<Answered<R['listTargets']>> {
    // A target is of no single project: who may read targets anywhere sees them all, as their project files name them.
    const may = ['*', ...by.roles.map(({ project }) => project)].some((project) => can(by, 'target.read', project));
    return { items: may ? (await this.applied.list('target')).map(viewOf) : [] };
  }

  @Serve(routes.applyTarget)
  applyTarget(@Ask() asked: Asked<R['applyTarget']>): Promise<Answered<R['applyTarget']>> {
    return this.applying.applyTarget(fileIn('target file', TargetFile, asked), mannerOf(asked, 'applied'));
  }

  @Serve(routes.removeTarget)
  removeTarget(@Ask() { params, by }: Asked<R['removeTarget']>): Promise<Answered<R['removeTarget']>> {
    return this.applying.remove('target', params.name, { id: by.id, name: by.name });
  }
}

function viewOf<K extends Kind>({ name, version, file, appliedBy, appliedAt }: AppliedRow<K>) {
  return { name, version, file: file as NonNullable<typeof file>, appliedBy, appliedAt: appliedAt.toISOString() };
}

function projectView(row: AppliedRow<'project'>, failing: SourceFailure | undefined) {
  return { ...viewOf(row), sourceFailing: failing ? { ...failing, mend: sourceMend(failing.reason.code) } : null };
}

function mannerOf(
  { by, query, file }: Pick<Asked<Route>, 'by' | 'file'> & { query: { 'dry-run'?: 'true' | 'false' | undefined } },
  reason: string,
): Manner {
  return { by: { id: by.id, name: by.name }, reason, dryRun: query['dry-run'] === 'true', locate: file.locate };
}

/** The file that was sent, checked. Throws a 422 problem that names each wrong field with its line. */
function fileIn<File extends { metadata: { name: string } }>(
  what: string,
  schema: z.ZodType<File>,
  { params, file }: Pick<Asked<Route>, 'file'> & { params: { name: string } },
): File {
  const parsed = schema.safeParse(file.value);
  const title = `The ${what} is not valid`;
  if (!parsed.success) {
    const errors = wrongFields(parsed.error, file.locate);
    throw new ApiProblem(422, errors.length === 1 ? 'One field is wrong.' : `${errors.length} fields are wrong.`, {
      title,
      code: 'invalid-file',
      errors,
    });
  }
  const { name } = parsed.data.metadata;
  if (name === params.name) return parsed.data;
  const errors = [
    {
      field: 'metadata.name',
      message: `the file names ${name}, the address ${params.name}: make them the same`,
      ...file.locate(['metadata', 'name']),
    },
  ];
  throw new ApiProblem(422, 'The file is of another name than the address.', { title, code: 'invalid-file', errors });
}
