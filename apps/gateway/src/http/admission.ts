import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Route } from '@slipway/api';
import type { Person } from '@slipway/contracts';
import { can } from '@slipway/identity';
import { z } from 'zod';
import { ApiProblem } from '../api-problem.js';
import { Ledger } from '../ports.js';
import { type Admitted, type Asked, ROUTE } from './asked.js';
import { holdsBadText } from './bad-text.js';
import { type Coming, Doorman } from './doorman.js';
import { readFile, type Sent } from './sent-file.js';

interface Request extends Coming, Admitted {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly rawBody?: Buffer;
}

/**
 * Lets a request through to its method: who comes, whether it is well formed, and, deny by default, whether they may. In this order, so that
 * nobody unknown learns anything, and so that a project somebody may not read is like one that does not exist.
 */
@Injectable()
export class Admission implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly doorman: Doorman,
    private readonly ledger: Ledger,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = this.reflector.get<Route | undefined>(ROUTE, context.getHandler());
    if (!route) return false;
    const request = context.switchToHttp().getRequest<Request>();
    const bearer = route.permission === 'anyone' ? undefined : await this.doorman.bearer(request);
    const params = checked(route.params, request.params ?? {}, 'the address') as Record<string, unknown>;
    const query = checked(route.query, request.query ?? {}, 'the query') as Record<string, unknown>;
    if (bearer) await this.refuseUnlessAllowed(route, bearer.person, params, query);
    const file = route.accepts === 'json-or-yaml' ? sentFile(request) : nothingSent;
    const body = route.accepts === 'json-or-yaml' ? file.value : checked(route.body, bodyOf(route, request), 'the body');
    request.asked = { params, query, body, by: bearer?.person as Person, token: bearer?.token ?? '', file } satisfies Asked<Route>;
    return true;
  }

  private async refuseUnlessAllowed(
    route: Route,
    person: Person,
    params: Record<string, unknown>,
    query: Record<string, unknown>,
  ): Promise<void> {
    if (route.permission === 'signed-in' || route.permission === 'anyone') return;
    const project = await this.projectOf(route, params, query);
    if (project === undefined) throw ApiProblem.notFound('such thing');
    if (can(person, route.permission, project)) return;
    if (project !== '*' && !can(person, 'release.read', project)) throw ApiProblem.notFound('such thing');
    throw new ApiProblem(403, `Your roles do not allow ${route.permission}${project === '*' ? '' : ` in ${project}`}.`, {
      code: 'not-allowed',
    });
  }

  /** The project a request is about: named in the address, or the one of the release or request asked for; `*` for the installation. */
  private async projectOf({ path }: Route, params: Record<string, unknown>, query: Record<string, unknown>): Promise<string | undefined> {
    if (typeof params['project'] === 'string') return params['project'];
    if (path.startsWith('/api/v1/projects/{name}')) return String(params['name']);
    if (path.startsWith('/api/v1/releases/{id}')) return (await this.ledger.release(String(params['id'])))?.state.release.project;
    if (path.startsWith('/api/v1/approvals/{id}')) return (await this.ledger.request(String(params['id'])))?.release.project;
    return typeof query['project'] === 'string' ? query['project'] : '*';
  }
}

const nothingSent: Sent = { value: undefined, locate: () => ({}) };

/** What a file may be sent as. */
const fileTypes = /^(application|text)\/(x-)?(yaml|json)\s*(;|$)/i;

function sentFile(request: Request): Sent {
  if (!fileTypes.test(String(request.headers['content-type'] ?? ''))) {
    throw new ApiProblem(415, 'Send the file as application/yaml or application/json.');
  }
  const text = request.rawBody?.toString('utf8') ?? '';
  if (text.trim() === '') throw new ApiProblem(400, 'The body is empty: send the file as application/yaml or application/json.');
  const file = readFile(text);
  if (holdsBadText(file.value)) throw new ApiProblem(400, 'NUL characters and half characters are not taken in a file.');
  return file;
}

/** A body of a type that is neither JSON nor, where that is taken, YAML arrives as bytes. */
function bodyOf(route: Route, { body }: Request): unknown {
  const takesNone = route.body instanceof z.ZodUndefined;
  if (Buffer.isBuffer(body)) throw new ApiProblem(415, 'Send the body as application/json.');
  if (!takesNone) return body;
  const empty = body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0);
  return empty ? undefined : body;
}

function checked(schema: z.ZodType, value: unknown, what: string): unknown {
  if (holdsBadText(value)) throw new ApiProblem(400, `NUL characters and half characters are not taken in ${what}.`);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.slice(0, 100).flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => ({
      field: [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.'),
      message: key === undefined ? issue.message : 'is not known here: remove it',
    }));
  });
  throw new ApiProblem(400, `There is something wrong with ${what}.`, { code: 'invalid-request', errors });
}
