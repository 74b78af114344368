import { Controller } from '@nestjs/common';
import { routes } from '@slipway/api';
import { ApiProblem } from '../api-problem.js';
import { Commanding } from '../commanding.js';
import { afterOf, pageOf } from '../page-cursor.js';
import { Ledger, Logs, type ReleaseRow } from '../ports.js';
import { TellingReleases } from '../telling-releases.js';
import type { Answered, Asked } from './asked.js';
import { readableProjects } from './readable-projects.js';
import { Ask, Serve } from './serve.js';

type R = typeof routes;
type Command = R['retryRelease'] | R['cancelRelease'] | R['withdrawRelease'];

/** Chunks of a log in one answer: 16 of at most 64 KiB. */
const mostChunks = 16;

/** Releases: what became of a commit, and what people may ask of it. */
@Controller()
export class ReleasesController {
  constructor(
    private readonly ledger: Ledger,
    private readonly telling: TellingReleases,
    private readonly logs: Logs,
    private readonly commanding: Commanding,
  ) {}

  @Serve(routes.listReleases)
  async list(@Ask() { query, by }: Asked<R['listReleases']>): Promise<Answered<R['listReleases']>> {
    const { environment, state, limit } = query;
    const rows = await this.ledger.releases({
      projects: readableProjects(by, query.project),
      environment,
      phases: state === undefined ? undefined : [state],
      after: afterOf(query.cursor),
      limit: limit + 1,
    });
    return pageOf(rows, limit, (row) => ({ at: row.bornAt, id: row.state.release.id }), await this.telling.summaries(rows.slice(0, limit)));
  }

  @Serve(routes.getRelease)
  async get(@Ask() { params }: Asked<R['getRelease']>): Promise<Answered<R['getRelease']>> {
    return this.detail(await this.ledger.release(params.id));
  }

  @Serve(routes.getReleaseByNumber)
  async getByNumber(@Ask() { params }: Asked<R['getReleaseByNumber']>): Promise<Answered<R['getReleaseByNumber']>> {
    return this.detail(await this.ledger.releaseByNumber(params.project, params.number));
  }

  @Serve(routes.releaseLogs)
  async log(@Ask() { params, query }: Asked<R['releaseLogs']>): Promise<Answered<R['releaseLogs']>> {
    const { stream, from } = query;
    const chunks = await this.logs.read(params.id, stream, from, mostChunks);
    const [first, last] = [chunks.at(0), chunks.at(-1)];
    const beginning = first && first.chunk > from ? '[what came before was forgotten]\n' : '';
    const text = beginning + chunks.map((chunk) => chunk.text).join('');
    return { stream, from, next: last ? last.chunk + 1 : from, text, last: last?.last ?? false };
  }

  @Serve(routes.retryRelease)
  retry(@Ask() asked: Asked<R['retryRelease']>): Promise<Answered<R['retryRelease']>> {
    return this.command('release.retry', asked);
  }

  @Serve(routes.cancelRelease)
  cancel(@Ask() asked: Asked<R['cancelRelease']>): Promise<Answered<R['cancelRelease']>> {
    return this.command('release.cancel', asked);
  }

  @Serve(routes.withdrawRelease)
  withdraw(@Ask() asked: Asked<R['withdrawRelease']>): Promise<Answered<R['withdrawRelease']>> {
    return this.command('release.withdraw', asked);
  }

  @Serve(routes.askAgain)
  async askAgain(@Ask() { params, body, by }: Asked<R['askAgain']>): Promise<Answered<R['askAgain']>> {
    const project = await this.projectOf(params.id);
    const action = { kind: 'approval.ask', release: params.id, environment: body.environment } as const;
    return this.commanding.command({ action, person: by, project, reason: body.reason });
  }

  private async command(kind: 'release.retry' | 'release.cancel' | 'release.withdraw', { params, body, by }: Asked<Command>) {
    const project = await this.projectOf(params.id);
    return this.commanding.command({ action: { kind, release: params.id }, person: by, project, reason: body.reason });
  }

  private async projectOf(release: string): Promise<string> {
    const row = await this.ledger.release(release);
    if (!row) throw ApiProblem.notFound('such release');
    return row.state.release.project;
  }

  private detail(row: ReleaseRow | undefined) {
    if (!row) throw ApiProblem.notFound('such release');
    return this.telling.detail(row);
  }
}
