import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What it does to a request instead of passing it on; undefined to pass it on. */
export type Fault = 'cut half-way' | '500' | '429' | '401';

/** A registry that fails: the real one, behind a door that does as it is told. */
export interface FaultyRegistry {
  /** `localhost:<port>`, which a Docker Engine speaks plain HTTP with. */
  readonly host: string;
  /** Faults done so far, each with the method it was done to. */
  readonly done: readonly string[];
  /** Does this to the next requests that write, one each. */
  next(...faults: Fault[]): void;
  close(): Promise<void>;
}

/** Stands in front of `registry`, `host:port`. */
export async function aFaultyRegistry(registry: string): Promise<FaultyRegistry> {
  const faults: Fault[] = [];
  const done: string[] = [];
  const server = createServer((from, to) => {
    const writes = from.method === 'PATCH' || from.method === 'PUT' || from.method === 'POST';
    // What has no body has no middle.
    const fits = writes && (faults[0] !== 'cut half-way' || from.method === 'PATCH');
    const fault = fits ? faults.shift() : undefined;
    if (fault === undefined) return pass(registry, from, to);
    done.push(`${from.method} ${fault}`);
    fail(fault, from, to);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    done,
    next: (...more) => void faults.push(...more),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function fail(fault: Fault, from: IncomingMessage, to: ServerResponse): void {
  if (fault === 'cut half-way') {
    const cut = () => from.socket.destroy();
    from.once('data', cut).once('end', cut);
    return;
  }
  from.resume();
  if (fault === '429') to.writeHead(429, { 'retry-after': '1' }).end('{"errors":[{"code":"TOOMANYREQUESTS"}]}');
  else if (fault === '500') to.writeHead(500).end('{"errors":[{"code":"UNKNOWN"}]}');
  else to.writeHead(401, { 'www-authenticate': 'Basic realm="over"' }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
}

function pass(registry: string, from: IncomingMessage, to: ServerResponse): void {
  const { host: _, ...headers } = from.headers;
  // With the host it was asked by, so that where it says to go on leads through here again.
  const onward = request(
    `http://${registry}${from.url}`,
    { method: from.method ?? 'GET', headers: { ...headers, host: from.headers.host ?? registry } },
    (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(to);
    },
  );
  onward.on('error', () => to.destroy());
  to.once('close', () => onward.destroy());
  from.pipe(onward);
}
