import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Problem, type RouteName, routes } from '@slipway/api';
import type { z } from 'zod';

/** What a call brought. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly token: string | undefined;
}
type Answers = { [N in RouteName]?: (asked: Asked) => z.input<(typeof routes)[N]['answer']> | Refusal };

/** The gateway's no. */
export class Refusal {
  constructor(readonly problem: Partial<Problem> & { status: number; title: string }) {}
}

/**
 * A double of the gateway: it speaks the route table's own schemas and nothing else, so it cannot answer what the real one never would. What the real
 * one decides is tried in test/e2e/cli.e2e.spec.ts.
 */
export class GatewayDouble {
  readonly asked: ({ route: string } & Asked)[] = [];
  private readonly streams = new Set<ServerResponse>();

  private constructor(
    readonly url: string,
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  static async start(answers: Answers): Promise<GatewayDouble> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const double = new GatewayDouble(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    server.on('request', (request, response) => void double.answer(answers, request, response));
    return double;
  }

  /** Says something on every open stream. */
  tell(name: string, data: unknown): void {
    for (const stream of this.streams) stream.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  get following(): number {
    return this.streams.size;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(answers: Answers, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    if (url.pathname.startsWith('/health/')) return void response.end('{"status":"ready","missing":[]}');
    if (url.pathname === '/api/v1/events') return this.stream(response);
    const [name, params] = routeFor(request.method ?? '', url.pathname) ?? [undefined, {}];
    const answerer = name === undefined ? undefined : answers[name];
    if (name === undefined || answerer === undefined)
      return refuse(response, { status: 404, title: `the double has no answer to ${request.method} ${url.pathname}` });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = text === '' ? undefined : routes[name].body.parse(JSON.parse(text));
    const asked: Asked = {
      params,
      query: Object.fromEntries(url.searchParams),
      body,
      token: request.headers.authorization?.replace('Bearer ', ''),
    };
    this.asked.push({ route: name, ...asked });
    const answer = answerer(asked);
    if (answer instanceof Refusal) return refuse(response, answer.problem);
    routes[name].answer.parse(answer);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n');
    this.streams.add(response);
    response.once('close', () => this.streams.delete(response));
  }
}

/** A path with a word where another has a name comes first: `releases/{id}/logs` before `releases/{project}/{number}`. */
const bySpecificity = Object.entries(routes).toSorted(([, one], [, other]) => names(one.path) - names(other.path));
function names(path: string): number {
  return path.split('{').length;
}

function routeFor(method: string, path: string): [RouteName, Record<string, string>] | undefined {
  for (const [name, route] of bySpecificity) {
    const pattern = new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const found = route.method === method ? pattern.exec(path) : null;
    if (found)
      return [
        name as RouteName,
        Object.fromEntries(Object.entries(found.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)])),
      ];
  }
  return undefined;
}

function refuse(response: ServerResponse, problem: Partial<Problem> & { status: number }): void {
  response
    .writeHead(problem.status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify({ type: 'about:blank', ...problem }));
}
