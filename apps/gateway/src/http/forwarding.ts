import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Inject, Injectable } from '@nestjs/common';
import { type ConfigOf, LOGGER, type Logger, SERVICE_CONFIG } from '@slipway/service-kit';
import type { GatewayConfig } from '../gateway.config.js';

/** How long source-watcher may take to answer. */
const answerMs = 10_000;
/** Forwarded at once; more are told to come again, so that a storm of webhooks holds no sockets. */
const mostAtOnce = 200;

/** Written out to the last segment, so that no dots or escapes in it lead anywhere else, here or in a proxy on the way. */
const forHooks = /^\/(webhooks\/[\w-]+\/[\w-]+|subversion\/[\w-]+\/notifyCommit)(\?|$)/;

/** Belong to one connection and are not passed on (RFC 9110, section 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
]);

/** Hands webhooks to source-watcher as they came, byte for byte: it alone verifies them. */
@Injectable()
export class Forwarding {
  private underWay = 0;

  constructor(
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Whether this address is one that source-watcher has for forges. No other: its health and metrics are nobody's business out there. */
  concerns(url: string): boolean {
    return forHooks.test(url);
  }

  forward(from: IncomingMessage, to: ServerResponse): void {
    const limit = this.config.SLIPWAY_WEBHOOK_LIMIT;
    if (Number(from.headers['content-length'] ?? 0) > limit) refuse(to, 413, `A webhook has at most ${limit} bytes.`);
    else if (this.underWay >= mostAtOnce) refuse(to, 429, 'Too many webhooks at once; send it again.', { 'retry-after': '5' });
    else this.pass(from, to, limit);
  }

  private pass(from: IncomingMessage, to: ServerResponse, limit: number): void {
    this.underWay++;
    let over = false;
    const end = () => {
      if (!over) this.underWay--;
      over = true;
    };
    to.once('close', end);
    const base = new URL(this.config.SLIPWAY_SOURCE_WATCHER_URL);
    const begin = base.protocol === 'https:' ? httpsRequest : httpRequest;
    const onward = begin(
      base,
      {
        method: from.method ?? 'POST',
        path: `${base.pathname.replace(/\/$/, '')}${from.url}`,
        headers: { ...passedOn(from.headers), 'x-forwarded-for': from.socket.remoteAddress ?? '' },
        timeout: answerMs,
        agent: false,
      },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
        answer.pipe(to);
      },
    );
    const late = setTimeout(() => onward.destroy(new Error(`no answer within ${answerMs} ms`)), answerMs);
    onward.once('close', () => clearTimeout(late));
    onward.on('error', (error) => this.fail(error, to));
    to.once('close', () => onward.destroy());
    this.send(from, onward, to, limit);
  }

  private send(from: IncomingMessage, onward: ClientRequest, to: ServerResponse, limit: number): void {
    let sent = 0;
    from.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      if (sent > limit) {
        from.pause();
        onward.destroy();
        refuse(to, 413, `A webhook has at most ${limit} bytes.`);
        return;
      }
      if (!onward.write(chunk)) {
        from.pause();
        onward.once('drain', () => from.resume());
      }
    });
    from.on('end', () => onward.end());
    from.on('error', () => onward.destroy());
  }

  private fail(error: Error, to: ServerResponse): void {
    if (to.headersSent) {
      to.destroy();
      return;
    }
    this.logger.warn({ err: error }, 'a webhook could not be forwarded to source-watcher');
    refuse(to, 503, 'source-watcher does not answer; send it again later.', { 'retry-after': '10' });
  }
}

function passedOn(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = String(headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !hopByHop.has(entry[0]) && !named.includes(entry[0]),
    ),
  );
}

function refuse(to: ServerResponse, status: number, detail: string, headers: Record<string, string> = {}): void {
  if (to.headersSent) return;
  to.writeHead(status, { ...headers, 'content-type': 'application/problem+json', connection: 'close' });
  to.end(
    JSON.stringify({
      type: 'about:blank',
      title: status === 413 ? 'Content Too Large' : status === 429 ? 'Too Many Requests' : 'Service Unavailable',
      status,
      detail,
    }),
  );
}
