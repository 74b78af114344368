import type { ConnectionOptions } from 'node:tls';
import { Kafka, type KafkaConfig, type LogEntry, logLevel } from 'kafkajs';
import type { Logger } from 'pino';
import { KafkajsSockets, type Reach } from './kafkajs-sockets.js';

/** How to reach a Kafka cluster, and how patient to be with it. */
export interface KafkaOptions {
  /** `host:port`, several for a cluster. */
  readonly brokers: readonly string[];
  /** What the brokers' logs and the other members of a group call us: the service and replica, no two that live alike. */
  readonly clientId: string;
  readonly logger: Logger;
  readonly tls?: ConnectionOptions | boolean;
  readonly sasl?: { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string };
  /** How long the group waits for a member that was killed, in ms; 6 to 10 s. Default 6 000, the least that brokers allow unless told otherwise. */
  readonly sessionTimeoutMs?: number;
  /** Longest a fetch waits for something new, in ms; also how long leaving may take and how soon a new member is noticed. Default 2 500. */
  readonly fetchWaitMs?: number;
  /** A consumer without any sign of life for so long, in ms, while the brokers answer others, is given up. Default 60 000. */
  readonly stuckMs?: number;
  /** Where a broker that calls itself so is really reached: through a tunnel, a port forward, a test's proxy. */
  readonly reach?: Reach;
  /** Copies of each topic that is made; -1 is the cluster's default. */
  readonly replication?: number;
}

/** kafkajs waits up to 30 s between tries by default; a broker that is back should be noticed at once (fault test Q01). */
export const retry = { initialRetryTime: 100, maxRetryTime: 2_000, factor: 0.2, multiplier: 2 };

export function kafkaConfig(options: KafkaOptions, sockets = new KafkajsSockets(options.reach)): KafkaConfig {
  return {
    clientId: options.clientId,
    brokers: [...options.brokers],
    ssl: options.tls,
    // kafkajs types each mechanism apart
    sasl: options.sasl as KafkaConfig['sasl'],
    connectionTimeout: 3_000,
    authenticationTimeout: 5_000,
    requestTimeout: 15_000,
    enforceRequestTimeout: true,
    retry: { ...retry, retries: 5 },
    socketFactory: sockets.factory,
    logLevel: logLevel.WARN,
    // Its errors are our warnings: it says each of many retries, and what matters comes back to us as an exception or an event.
    logCreator: () => (entry: LogEntry) => {
      const { message, timestamp: _, ...details } = entry.log;
      options.logger[entry.level === logLevel.ERROR ? 'info' : 'debug']({ kafkajs: entry.namespace, ...details }, message);
    },
  };
}

/**
 * A client of its own for who reads or writes all the time, on sockets of its own: it gives up an answer sooner, for a broker that is back should be noticed
 * within 15 s. Only joining a group takes longer than that, and kafkajs gives it the time it needs.
 */
export function clientWith(sockets: KafkajsSockets, options: KafkaOptions): Kafka {
  return new Kafka({ ...kafkaConfig(options, sockets), requestTimeout: 10_000 });
}

/** `type` of the protocol error somewhere in a chain of causes: `UNKNOWN_TOPIC_OR_PARTITION`. */
export function protocolError(error: unknown): string | undefined {
  for (const { type } of causesOf(error)) if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) return type;
  return undefined;
}

/** What an error of kafkajs may tell about itself. */
export interface Told {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly type?: unknown;
  readonly code?: unknown;
}

/** An error and what led to it, under the several names kafkajs has for that. */
export function* causesOf(error: unknown): Generator<Told> {
  const seen = new Set<unknown>();
  for (let at = error; typeof at === 'object' && at !== null && !seen.has(at); ) {
    seen.add(at);
    yield at;
    const { cause, originalError, errors } = at as { cause?: unknown; originalError?: unknown; errors?: unknown[] };
    at = cause ?? originalError ?? errors?.[0];
  }
}
