import { createServer } from 'node:net';

/** Below the range from which systems take ports of outgoing connections and Docker those it publishes: what is free here stays free. */
const lowest = 20_000;
const highest = 29_999;

/** True when nothing listens on this port of the loopback address. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** What this process was given before is promised to somebody who may not listen yet. */
const given = new Set<number>();

/** So many ports nothing listens on now and nobody here was given before, from a place chosen by chance so that runs beside each other do not meet. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  const size = highest - lowest + 1;
  const begin = Math.floor(Math.random() * size);
  for (let step = 0; step < size && found.length < count; step += 1) {
    const port = lowest + ((begin + step) % size);
    if (given.has(port) || !(await portIsFree(port))) continue;
    given.add(port);
    found.push(port);
  }
  if (found.length < count) throw new Error(`there are no ${count} free ports between ${lowest} and ${highest}`);
  return found;
}

/** A port nothing listens on now. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** The first of the wished ports that is free, else any free one: what was used last time stays the same where it can. */
export async function freePortLike(...wished: (number | undefined)[]): Promise<number> {
  for (const port of wished) {
    if (port !== undefined && (await portIsFree(port))) return port;
  }
  return freePort();
}
