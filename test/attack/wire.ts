import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';
import type { Attacked } from './attacked.ts';

/** What came back over a socket, and whether the other side closed it. */
export interface Wire {
  readonly text: string;
  /** The status of each answer in it, in order. */
  readonly statuses: readonly number[];
  readonly closed: boolean;
}

/** Writes bytes as they are to the gateway, or another port, and gives what came back until it was closed or `within` ms had passed. */
export async function overTheWire(port: number, bytes: string | Buffer, within = 5_000): Promise<Wire> {
  const socket = await open(port);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const end = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ text, closed, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)) });
    };
    const timer = setTimeout(() => end(false), within);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('close', () => end(true));
    socket.on('error', () => {});
    socket.write(bytes);
  });
}

/** A connection to a port of this machine. */
export function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

export function portOf(on: Attacked): number {
  return Number(new URL(on.gatewayUrl).port);
}

/** Resident memory of a service's process in MiB, by the system. */
export async function residentMiB(on: Attacked, service: Service): Promise<number> {
  const { pid } = JSON.parse(await readFile(join(on.dataDir, 'run', `${service}.json`), 'utf8')) as { pid: number };
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** The pid of a service's process, and since when it runs: the same two times means that it never ended in between. */
export async function processOf(on: Attacked, service: Service): Promise<string> {
  return readFile(join(on.dataDir, 'run', `${service}.json`), 'utf8');
}
