import { STATUS_CODES } from 'node:http';
import { CommitUnknown, isTransient } from '@slipway/postgres';

/** What a route answers: a status and a sentence; a problem (RFC 9457) from 400 on. */
export interface Answer {
  readonly status: number;
  readonly message: string;
  /** Seconds after which to come again. */
  readonly retryAfter?: number;
}

/** The little of a Fastify request and reply that these routes use. */
export interface Request {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}
export interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: string): unknown;
}

/** Sends it: problem+json, or plain text, which is what hook scripts print. */
export function send(reply: Reply, { status, message, retryAfter }: Answer): unknown {
  reply.status(status);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  if (status < 400) return reply.header('content-type', 'text/plain; charset=utf-8').send(`${message}\n`);
  const problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Unknown', status, detail: message };
  return reply.header('content-type', 'application/problem+json').send(JSON.stringify(problem));
}

/** The database is away: come again, nothing was taken. */
export const unavailable: Answer = { status: 503, message: 'the database does not answer; send it again later', retryAfter: 10 };

/** Whether an error means that the database is away, or nobody knows whether it took what was sent. */
export function isAway(error: unknown): boolean {
  return isTransient(error) || error instanceof CommitUnknown;
}

/** The answer of `work`, or that of a database that is away: within `ms`, because whoever waits longer gives the delivery up. */
export async function within(ms: number, work: Promise<Answer>, away: (error: unknown) => boolean): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(unavailable), ms);
  });
  const tried = work.catch((error: unknown) => {
    if (away(error)) return unavailable;
    throw error;
  });
  try {
    return await Promise.race([tried, late]);
  } finally {
    clearTimeout(timer);
    tried.catch(() => undefined);
  }
}
