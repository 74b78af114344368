import http from 'node:http';
import net from 'node:net';
import type { HealthCheck } from '../deployment.js';
import type { Probe } from '../observed.js';

/** What was seen of one run of one instance. */
export interface ProbeRecord {
  /** Monotonic, milliseconds; since when every probe was good. */
  readonly healthySince?: number;
  readonly failures: number;
  /** The newest last, at most `keptProbes`. */
  readonly probes: readonly Probe[];
}

const keptProbes = 10;
const unknown: ProbeRecord = { failures: 0, probes: [] };
/** More than any engine should hold; the oldest is forgotten beyond it. */
const keptRecords = 5000;

/**
 * Asks instances how they are and remembers since when they answer well. A record belongs to one run of a container, so that a
 * restart between two looks never goes unnoticed.
 */
export class Prober {
  readonly #records = new Map<string, ProbeRecord>();

  /** One fresh probe of the run named by `key` (container id and start time). */
  async probe(
    key: string,
    address: { host: string; port: number },
    health: HealthCheck | undefined,
    signal?: AbortSignal,
  ): Promise<ProbeRecord> {
    const probe = health === undefined ? await connect(address, 1000, signal) : await get(address, health, signal);
    const before = this.#records.get(key) ?? unknown;
    if (signal?.aborted) return before;
    const probes = [...before.probes, probe].slice(-keptProbes);
    const record: ProbeRecord = probe.ok
      ? { healthySince: before.healthySince ?? performance.now(), failures: 0, probes }
      : { failures: before.failures + 1, probes };
    this.#records.delete(key);
    this.#records.set(key, record);
    const oldest = this.#records.keys().next().value;
    if (this.#records.size > keptRecords && oldest !== undefined) this.#records.delete(oldest);
    return record;
  }

  /** What is known of a run without asking it. */
  last(key: string): ProbeRecord {
    return this.#records.get(key) ?? unknown;
  }
}

/** `Host: localhost`: development servers refuse names they do not know, and the proxy's own checks say the same. */
function get(address: { host: string; port: number }, health: HealthCheck, signal?: AbortSignal): Promise<Probe> {
  const began = performance.now();
  return new Promise((resolve) => {
    const done = (probe: Omit<Probe, 'tookMs'>) => {
      clearTimeout(timer);
      request.destroy();
      resolve({ ...probe, tookMs: Math.round(performance.now() - began) });
    };
    const options = {
      ...address,
      path: health.http,
      method: 'GET',
      headers: { host: 'localhost', 'user-agent': 'slipway-health' },
      agent: false,
      ...(signal && { signal }),
    };
    const request = http.request(options, (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      done(status >= 200 && status < 400 ? { ok: true, status } : { ok: false, status, error: `GET ${health.http} answered ${status}` });
    });
    const timer = setTimeout(
      () => done({ ok: false, error: `GET ${health.http} did not answer within ${health.timeoutMs} ms` }),
      health.timeoutMs,
    );
    request.on('error', (error) => done({ ok: false, error: `GET ${health.http}: ${error.message}` }));
    request.end();
  });
}

function connect(address: { host: string; port: number }, timeoutMs: number, signal?: AbortSignal): Promise<Probe> {
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = net.connect({ ...address, ...(signal && { signal }) });
    const done = (probe: Omit<Probe, 'tookMs'>) => {
      socket.destroy();
      resolve({ ...probe, tookMs: Math.round(performance.now() - began) });
    };
    socket.setTimeout(timeoutMs, () => done({ ok: false, error: `no connection within ${timeoutMs} ms` }));
    socket.once('connect', () => done({ ok: true }));
    socket.once('error', (error) => done({ ok: false, error: error.message }));
  });
}
