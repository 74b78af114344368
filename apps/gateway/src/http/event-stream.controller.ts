import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import { Id, Name } from '@slipway/contracts';
import { SHUTDOWN } from '@slipway/service-kit';
import { z } from 'zod';
import { ApiProblem } from '../api-problem.js';
import { EventFeed } from '../event-feed.js';
import { ApiProblemFilter } from './api-problem-filter.js';
import { type Coming, Doorman } from './doorman.js';
import { type Raw, Stream } from './event-stream.js';

const Query = z.strictObject({ project: Name.optional(), release: Id.optional() });
const Sequence = z.string().regex(/^\d{1,18}$/, 'is not an id this stream gave out');
/** Streams one replica holds open, and one person. */
const most = { all: 500, person: 20 };

interface Request extends Coming {
  readonly query: unknown;
}
interface Reply {
  hijack(): void;
  readonly raw: Raw;
}

/** `GET /api/v1/events`: what happens, as it happens, as server-sent events; resumed by Last-Event-ID, which is a number of the journal. */
@Controller()
@UseFilters(ApiProblemFilter)
export class EventStreamController {
  /** By the connection, from before anything else is waited for: many who come at once are counted too. */
  private readonly open = new Map<Raw, string>();

  constructor(
    private readonly doorman: Doorman,
    private readonly feed: EventFeed,
    @Inject(SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  @Get('api/v1/events')
  async follow(@Req() request: Request, @Res() reply: Reply): Promise<void> {
    const bearer = await this.doorman.bearer(request);
    const query = Query.safeParse(request.query);
    const last = request.headers['last-event-id'];
    const from = Sequence.optional().safeParse(last === '' ? undefined : last);
    const wrong = [
      ...(query.error?.issues ?? []).map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
      ...(from.error?.issues ?? []).map((issue) => ({ field: 'last-event-id', message: issue.message })),
    ];
    if (wrong.length > 0) throw new ApiProblem(400, 'There is something wrong with the query.', { code: 'invalid-request', errors: wrong });
    const only = await this.feed.scopeFor(bearer.person, query.data ?? {});
    if (!only) throw ApiProblem.notFound('such thing');
    const mine = [...this.open.values()].filter((person) => person === bearer.person.id).length;
    if (this.open.size >= most.all || mine >= most.person) {
      throw new ApiProblem(429, 'Too many streams are open.', { code: 'too-many-streams', headers: { 'retry-after': '10' } });
    }
    this.open.set(reply.raw, bearer.person.id);
    try {
      const start = from.data ?? (await this.feed.newest());
      reply.hijack();
      await new Stream(reply.raw, { feed: this.feed, bearer, asked: query.data ?? {}, start, shutdown: this.shutdown }).run();
    } finally {
      this.open.delete(reply.raw);
    }
  }
}
