import { type ArgumentsHost, Catch, Inject } from '@nestjs/common';
import { CommitUnknown, isTransient } from '@slipway/postgres';
import { LOGGER, type Logger, ProblemFilter } from '@slipway/service-kit';
import { ApiProblem } from '../api-problem.js';

interface Reply {
  status(code: number): Reply;
  headers(values: Record<string, string>): Reply;
  send(payload: string): unknown;
}

/** Sends an {@link ApiProblem}; says 503 while Postgres is away; whatever else a route throws is left to the problem filter of every service. */
@Catch()
export class ApiProblemFilter extends ProblemFilter {
  constructor(@Inject(LOGGER) logger: Logger) {
    super(logger);
  }

  override catch(error: unknown, host: ArgumentsHost): void {
    const problem = error instanceof ApiProblem ? error : awayOf(error);
    if (!problem) {
      super.catch(error, host);
      return;
    }
    const reply = host.switchToHttp().getResponse<Reply>();
    reply
      .status(problem.getStatus())
      .headers({ ...problem.more.headers, 'content-type': 'application/problem+json' })
      .send(JSON.stringify(problem.body));
  }
}

function awayOf(error: unknown): ApiProblem | undefined {
  const headers = { 'retry-after': '2' };
  if (error instanceof CommitUnknown) {
    return new ApiProblem(503, 'The database did not say whether this was kept; look before you ask again.', {
      code: 'outcome-unknown',
      headers,
    });
  }
  return isTransient(error)
    ? new ApiProblem(503, 'The database does not answer; try again.', { code: 'database-away', headers })
    : undefined;
}
