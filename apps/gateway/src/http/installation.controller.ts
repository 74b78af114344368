import { Controller } from '@nestjs/common';
import { routes } from '@slipway/api';
import type { Reason } from '@slipway/contracts';
import { can } from '@slipway/identity';
import { ApiProblem } from '../api-problem.js';
import { Commanding } from '../commanding.js';
import { DoctorStatus } from '../doctor-status.js';
import { placeOf } from '../domain/dead-letter-place.js';
import { afterOf, pageOf } from '../page-cursor.js';
import { Ledger } from '../ports.js';
import type { Answered, Asked } from './asked.js';
import { readableProjects } from './readable-projects.js';
import { Ask, Serve } from './serve.js';

type R = typeof routes;

/** The chain of what is about no project. */
const installationChain = 'installation';

/** What is about the installation as a whole: commands, the audit chains, dead letters, its health. */
@Controller()
export class InstallationController {
  constructor(
    private readonly ledger: Ledger,
    private readonly commanding: Commanding,
    private readonly doctor: DoctorStatus,
  ) {}

  @Serve(routes.getCommand)
  async command(@Ask() { params, by }: Asked<R['getCommand']>): Promise<Answered<R['getCommand']>> {
    const row = await this.ledger.command(params.id);
    if (!row) throw ApiProblem.notFound('such command');
    const { action, person, reason, command } = row.issued;
    const release = 'release' in action ? await this.ledger.release(action.release) : undefined;
    const project = 'project' in action ? action.project : (release?.state.release.project ?? '*');
    if (person.id !== by.id && !can(by, project === '*' ? 'audit.read' : 'release.read', project))
      throw ApiProblem.notFound('such command');
    const { answer } = row;
    const said = answer?.data as { message?: string; reason?: Reason } | undefined;
    return {
      command,
      action,
      person,
      reason,
      state: !answer ? 'pending' : answer.name === 'command.accepted' ? 'accepted' : 'refused',
      message: said?.message ?? said?.reason?.message ?? null,
      issuedAt: row.issuedAt.toISOString(),
      answeredAt: answer?.at ?? null,
    };
  }

  @Serve(routes.audit)
  async audit(@Ask() { query }: Asked<R['audit']>): Promise<Answered<R['audit']>> {
    // A role in a project that is called like the installation's chain reads no chain but its own, and there is none.
    if (query.project === installationChain) throw ApiProblem.notFound('such project');
    const { links, head } = await this.ledger.audit(query.project ?? installationChain, query.after, query.limit);
    return { items: [...links], head };
  }

  @Serve(routes.listDeadLetters)
  async deadLetters(@Ask() { query }: Asked<R['listDeadLetters']>): Promise<Answered<R['listDeadLetters']>> {
    const { service, limit } = query;
    const rows = await this.ledger.deadLetters({ service, after: afterOf(query.cursor), limit: limit + 1 });
    const items = rows.map(({ data, at, state }) => ({
      ...data,
      bytes: data.bytes ?? null,
      excerpt: data.excerpt ?? null,
      id: placeOf(data),
      at: at.toISOString(),
      state,
    }));
    return pageOf(rows, limit, (row) => ({ at: row.at.toISOString(), id: row.event }), items);
  }

  @Serve(routes.replayDeadLetter)
  replay(@Ask() { params, body, by }: Asked<R['replayDeadLetter']>): Promise<Answered<R['replayDeadLetter']>> {
    return this.commanding.command({ action: { kind: 'dead-letter.replay', ...params }, person: by, project: '*', reason: body.reason });
  }

  @Serve(routes.discardDeadLetter)
  discard(@Ask() { params, body, by }: Asked<R['discardDeadLetter']>): Promise<Answered<R['discardDeadLetter']>> {
    return this.commanding.command({ action: { kind: 'dead-letter.discard', ...params }, person: by, project: '*', reason: body.reason });
  }

  @Serve(routes.status)
  async status(@Ask() { by }: Asked<R['status']>): Promise<Answered<R['status']>> {
    return this.doctor.status(readableProjects(by, undefined));
  }
}
