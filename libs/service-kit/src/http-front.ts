import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Health } from './health.js';
import { Insiders } from './insiders.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** How long a client may take for its headers and for its whole request, and how often that is looked at, in ms: a slow loris holds no connection for long. */
const patience = { headersMs: 10_000, requestMs: 60_000, checkMs: 5_000 };

/** The port asked for is somebody else's. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/**
 * The HTTP server of a service. It listens before anything else is there and answers health and metrics itself;
 * all other requests go to Nest once it is built, and get a 503 until then and while the service stops.
 */
export class HttpFront {
  private readonly server: Server;
  private application: Answer | undefined;
  private stopping = false;
  private insiders = new Insiders();

  constructor(
    private readonly health: Health,
    private readonly registry: Registry,
    limits: Partial<typeof patience> = {},
  ) {
    const { headersMs, requestMs, checkMs } = { ...patience, ...limits };
    this.server = createServer({
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      keepAliveTimeout: 20_000,
      maxHeaderSize: 16_384,
    });
    this.server.maxConnections = 2_000;
    this.server.on('request', (request, response) => void this.answer(request, response));
    this.server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
      else socket.destroy();
    });
  }

  /** Listens on the port, or, if that is taken and only a default, on a free one. Throws PortTaken, naming PORT, when it was asked for. */
  async listen(host: string, port: { asked: number | undefined; usual: number }): Promise<number> {
    if (port.asked !== undefined) return this.tryPort(host, port.asked);
    try {
      return await this.tryPort(host, port.usual);
    } catch (error) {
      if (error instanceof PortTaken) return this.tryPort(host, 0);
      throw error;
    }
  }

  /** Who sees metrics and what is waited for; without it, who comes from this machine. */
  show(insiders: Insiders): void {
    this.insiders = insiders;
  }

  /** From now on this answers what is not health or metrics. */
  serve(application: Answer): void {
    this.application = application;
  }

  /** Takes no new connection and ends idle ones; resolves when the last answer is out, or cuts it off after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    const cut = setTimeout(() => this.server.closeAllConnections(), graceMs);
    // A connection whose last answer is out stays open for another request otherwise.
    const idle = setInterval(() => this.server.closeIdleConnections(), 25);
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    clearTimeout(cut);
    clearInterval(idle);
  }

  private tryPort(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException) => {
        this.server.removeListener('listening', accept);
        reject(
          error.code === 'EADDRINUSE'
            ? new PortTaken(`PORT ${port} on ${host} is taken by another program; choose another PORT, or 0 for a free one.`)
            : error,
        );
      };
      const accept = () => {
        this.server.removeListener('error', refuse);
        resolve((this.server.address() as AddressInfo).port);
      };
      this.server.once('error', refuse).once('listening', accept).listen(port, host);
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.stopping) response.setHeader('connection', 'close');
    const path = (request.url ?? '').split('?', 1)[0];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && path === '/health/live') sendJson(response, 200, { status: 'live' });
    else if (isRead && path === '/health/ready') await this.tellReadiness(request, response);
    else if (isRead && path === '/metrics') await this.tellMetrics(request, response);
    else if (this.application && !this.stopping) this.application(request, response);
    else {
      response.setHeader('retry-after', '2');
      const detail = this.stopping ? 'This replica is stopping.' : 'The service is starting; /health/ready says what it waits for.';
      sendJson(response, 503, { type: 'about:blank', title: 'Service Unavailable', status: 503, detail }, 'application/problem+json');
    }
  }

  /** Anybody learns whether it is ready; what it waits for names addresses and files, and is for insiders. */
  private async tellReadiness(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const readiness = await this.health.readiness();
    const { status } = readiness;
    sendJson(response, status === 'ready' ? 200 : 503, this.insiders.admits(request) ? readiness : { status });
  }

  private async tellMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.insiders.admits(request)) {
      response.setHeader('www-authenticate', 'Bearer');
      const detail = 'Metrics are for this machine, and for who brings the token of SLIPWAY_METRICS_TOKEN_FILE.';
      sendJson(response, 401, { type: 'about:blank', title: 'Unauthorized', status: 401, detail }, 'application/problem+json');
      return;
    }
    try {
      const text = await this.registry.metrics();
      response.writeHead(200, { 'content-type': this.registry.contentType }).end(text);
    } catch (error) {
      response
        .writeHead(500, { 'content-type': 'text/plain; charset=utf-8' })
        .end(`metrics cannot be collected: ${(error as Error).message}\n`);
    }
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' }).end(JSON.stringify(body));
}
