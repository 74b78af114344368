import { Controller } from '@nestjs/common';
import { routes } from '@slipway/api';
import { ApiProblem } from '../api-problem.js';
import { afterOf, pageOf } from '../page-cursor.js';
import { Ledger } from '../ports.js';
import { SigningOff } from '../signing-off.js';
import type { Answered, Asked } from './asked.js';
import { readableProjects } from './readable-projects.js';
import { Ask, Serve } from './serve.js';

type R = typeof routes;

/** Requests for sign-off, and people's answers to them. */
@Controller()
export class ApprovalsController {
  constructor(
    private readonly ledger: Ledger,
    private readonly signingOff: SigningOff,
  ) {}

  @Serve(routes.listApprovals)
  async list(@Ask() { query, by }: Asked<R['listApprovals']>): Promise<Answered<R['listApprovals']>> {
    const rows = await this.ledger.requests({
      projects: readableProjects(by, query.project),
      state: query.state,
      eligible: query.mine === 'true' ? by : undefined,
      after: afterOf(query.cursor),
      limit: query.limit + 1,
    });
    return pageOf(rows, query.limit, (row) => ({ at: row.requestedAt, id: row.request }), rows as Answered<R['listApprovals']>['items']);
  }

  @Serve(routes.getApproval)
  async get(@Ask() { params }: Asked<R['getApproval']>): Promise<Answered<R['getApproval']>> {
    const view = await this.ledger.request(params.id);
    if (!view) throw ApiProblem.notFound('such request');
    return view as Answered<R['getApproval']>;
  }

  @Serve(routes.signOff)
  signOff(@Ask() { params, body, by }: Asked<R['signOff']>): Promise<Answered<R['signOff']>> {
    return this.signingOff.signOff(params.id, by, body);
  }
}
