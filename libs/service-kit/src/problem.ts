import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { z } from 'zod';
import type { Logger } from './logging.js';

/** One thing wrong with a request: where, by the field's path, and what to do. */
export interface FieldProblem {
  readonly field: string;
  readonly detail: string;
}

/** What a client is told when a request is not answered as it hoped (RFC 9457). */
export interface ProblemBody {
  /** What kind of problem, for programs: `about:blank` or a page of docs. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What went wrong and what to do, for people. */
  readonly detail?: string;
  readonly instance?: string;
  readonly errors?: readonly FieldProblem[];
}

/** Thrown in http/ to answer with problem+json: `throw new Problem(409, 'the request is closed already')`. */
export class Problem extends HttpException {
  constructor(
    status: number,
    readonly detail: string,
    readonly more: { type?: string; title?: string; errors?: readonly FieldProblem[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail, status);
  }
}

/** What the filter needs of a Fastify request and reply. */
interface Request {
  readonly id: string;
  readonly method: string;
  readonly url: string;
}
interface Reply {
  readonly sent: boolean;
  readonly raw: { readonly headersSent: boolean };
  status(code: number): Reply;
  headers(values: Record<string, string>): Reply;
  send(payload: string): unknown;
}

/** Turns whatever a route throws into problem+json. A bug becomes a 500 that tells nothing but where to look in the log. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const reply = host.switchToHttp().getResponse<Reply>();
    const body = problemOf(error, request.id);
    if (body.status >= 500)
      this.logger.error({ err: error, request: request.id, method: request.method, url: request.url }, 'a request failed');
    if (reply.sent || reply.raw.headersSent) return;
    const headers = error instanceof Problem ? error.more.headers : {};
    reply
      .status(body.status)
      .headers({ ...headers, 'content-type': 'application/problem+json' })
      .send(JSON.stringify(body));
  }
}

/** The problem an error stands for. `requestId` lets a person find the log line of a 500. */
export function problemOf(error: unknown, requestId: string): ProblemBody {
  if (error instanceof Problem) {
    const { type = 'about:blank', title, errors } = error.more;
    return { type, title: title ?? titleOf(error.getStatus()), status: error.getStatus(), detail: error.detail, ...(errors && { errors }) };
  }
  if (error instanceof z.ZodError) {
    const errors = error.issues.map((issue) => ({ field: issue.path.join('.'), detail: issue.message }));
    return { type: 'about:blank', title: titleOf(400), status: 400, detail: sentenceOf(errors), errors };
  }
  if (error instanceof HttpException) return fromNest(error);
  const status = statusOf(error);
  if (status !== undefined && status < 500) {
    return { type: 'about:blank', title: titleOf(status), status, detail: (error as Error).message };
  }
  return {
    type: 'about:blank',
    title: titleOf(500),
    status: 500,
    detail: `Something broke here; the log says what, under request ${requestId}.`,
  };
}

/** Fastify's own errors (body too large, malformed JSON) carry the status they ask for. */
function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : undefined;
}

function fromNest(error: HttpException): ProblemBody {
  const status = error.getStatus();
  const said = error.getResponse() as string | { message?: string | string[] };
  const messages = typeof said === 'string' ? [said] : [said.message ?? error.message].flat();
  const base = { type: 'about:blank', title: titleOf(status), status, detail: messages.join('; ') };
  if (status !== 400 || typeof said === 'string' || !Array.isArray(said.message)) return base;
  return { ...base, errors: messages.map((message) => fieldIn(message)) };
}

/** Nest's schema pipe says `field: what`. */
function fieldIn(message: string): FieldProblem {
  const [, field, detail] = /^([\w.[\]-]+): (.+)$/s.exec(message) ?? [];
  return field && detail ? { field, detail } : { field: '', detail: message };
}

function sentenceOf(errors: readonly FieldProblem[]): string {
  return errors.map(({ field, detail }) => (field ? `${field}: ${detail}` : detail)).join('; ');
}

function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Unknown';
}
