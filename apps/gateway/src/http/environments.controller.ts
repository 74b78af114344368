import { Controller } from '@nestjs/common';
import { routes } from '@slipway/api';
import type { CommandAction, Person } from '@slipway/contracts';
import { ApiProblem } from '../api-problem.js';
import { Commanding } from '../commanding.js';
import { Applied } from '../ports.js';
import { TellingEnvironments } from '../telling-environments.js';
import type { Answered, Asked } from './asked.js';
import { Ask, Serve } from './serve.js';

type R = typeof routes;

/** What runs where, and what people may ask of it. */
@Controller()
export class EnvironmentsController {
  constructor(
    private readonly telling: TellingEnvironments,
    private readonly applied: Applied,
    private readonly commanding: Commanding,
  ) {}

  @Serve(routes.listEnvironments)
  async list(@Ask() { params }: Asked<R['listEnvironments']>): Promise<Answered<R['listEnvironments']>> {
    if (!(await this.applied.find('project', params.project))) throw ApiProblem.notFound('such project');
    return { items: await this.telling.all(params.project) };
  }

  @Serve(routes.getEnvironment)
  async get(@Ask() { params }: Asked<R['getEnvironment']>): Promise<Answered<R['getEnvironment']>> {
    const view = await this.telling.one(params.project, params.environment);
    if (!view) throw ApiProblem.notFound('such environment');
    return view;
  }

  @Serve(routes.scale)
  scale(@Ask() { params, body, by }: Asked<R['scale']>): Promise<Answered<R['scale']>> {
    return this.command({ kind: 'environment.scale', ...params, instances: body.instances }, by, body.reason);
  }

  @Serve(routes.rollback)
  rollback(@Ask() { params, body, by }: Asked<R['rollback']>): Promise<Answered<R['rollback']>> {
    return this.command({ kind: 'environment.rollback', ...params, to: body.to }, by, body.reason);
  }

  @Serve(routes.hold)
  hold(@Ask() { params, body, by }: Asked<R['hold']>): Promise<Answered<R['hold']>> {
    return this.command({ kind: 'environment.hold', ...params, until: body.until }, by, body.reason);
  }

  @Serve(routes.unhold)
  unhold(@Ask() { params, body, by }: Asked<R['unhold']>): Promise<Answered<R['unhold']>> {
    return this.command({ kind: 'environment.unhold', ...params }, by, body.reason);
  }

  @Serve(routes.deploy)
  deploy(@Ask() { params, body, by }: Asked<R['deploy']>): Promise<Answered<R['deploy']>> {
    return this.command({ kind: 'environment.deploy', ...params, release: body.release }, by, body.reason);
  }

  private async command(action: CommandAction & { project: string; environment: string }, person: Person, reason: string) {
    const view = await this.telling.one(action.project, action.environment);
    if (!view) throw ApiProblem.notFound('such environment');
    return this.commanding.command({ action, person, project: action.project, reason });
  }
}
