import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { basename } from 'node:path';
import type { Passing } from './passing.ts';
import { shapeOf } from './shape.ts';

/** Sees calls to everybody who is neither Postgres nor Kafka: by Node's own announcements of requests and processes. */
export function watchOutside(passing: Passing): void {
  watchHttp(passing);
  watchFetch(passing);
  watchProcesses(passing);
}

/** What only an Engine is asked, whatever way leads to it: a target may have another address than ours. */
const engines = /^\/(v\d+\.\d+\/)?(containers|images|networks|events|build|_ping)(\/|\?|$)/;

function watchHttp(passing: Passing): void {
  const what = (request: ClientRequest) => {
    const local = (request as ClientRequest & { socketPath?: string }).socketPath !== undefined;
    const part = local || engines.test(request.path) ? 'docker' : partAt(String(request.getHeader('host') ?? ''));
    return `${part} ${request.method} ${shapeOf(request.path)}`;
  };
  const answered = new WeakSet<object>();
  subscribe('http.client.request.start', (message) => {
    const { request } = message as { request: ClientRequest };
    // Written to the socket, and so on its way; an answer that is there already is none we wait for.
    request.once('finish', () => setImmediate(() => answered.has(request) || passing.pass(what(request), 'during the call')));
  });
  subscribe('http.client.response.finish', (message) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    answered.add(request);
    response.prependOnceListener('end', () => passing.pass(what(request), 'answered, not recorded'));
  });
}

function watchFetch(passing: Passing): void {
  interface Request {
    readonly origin: string;
    readonly method: string;
    readonly path: string;
  }
  const what = ({ origin, method, path }: Request) => `${partAt(new URL(origin).host)} ${method} ${shapeOf(path)}`;
  const answered = new WeakSet<object>();
  subscribe('undici:request:headers', (message) => void answered.add((message as { request: Request }).request));
  subscribe('undici:request:bodySent', (message) => {
    const { request } = message as { request: Request };
    setImmediate(() => answered.has(request) || passing.pass(what(request), 'during the call'));
  });
  subscribe('undici:request:trailers', (message) =>
    passing.pass(what((message as { request: Request }).request), 'answered, not recorded'),
  );
}

function watchProcesses(passing: Passing): void {
  subscribe('tracing:child_process.spawn:end', (message) => {
    const child = (message as { process: ChildProcess }).process;
    const [command = '', ...words] = child.spawnargs;
    const what = [basename(command), verbOf(words)].join(' ').trim();
    setImmediate(() => child.exitCode === null && passing.pass(what, 'during the call'));
    child.prependOnceListener('exit', () => passing.pass(what, 'answered, not recorded'));
  });
}

/** Of `git -C folder -c name=value --git-dir … fetch …`: fetch. */
function verbOf(words: readonly string[]): string {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (/^(-C|-c|--config-dir|--config-option)$/.test(word)) at += 1;
    else if (/^[a-z][a-z-]+$/.test(word)) return word;
  }
  return '';
}

/** The name of who is called, by where the environment says that they are; whoever else is called is just somebody. */
function partAt(host: string): string {
  if (host === process.env['SLIPWAY_REGISTRY']) return 'registry';
  if (host === hostOf('DOCKER_HOST')) return 'docker';
  if (host === hostOf('SLIPWAY_SOURCE_WATCHER_URL')) return 'source-watcher';
  if (host === hostOf('SLIPWAY_WEBHOOK_URL')) return 'webhook';
  return 'http';
}

function hostOf(variable: string): string | undefined {
  const url = process.env[variable];
  return url !== undefined && URL.canParse(url) ? new URL(url).host || undefined : undefined;
}
