import type { EventDefinition, Service } from '@slipway/contracts';
import type { Signer, Trust } from '@slipway/identity';
import type { Database } from '@slipway/postgres';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { EventLog } from './event-log.js';
import type { Cause, Subscriptions, UnitOfWork } from './received.js';

/** What a service gives its messaging. */
export interface MessagingOptions {
  readonly service: Service;
  readonly database: Database;
  readonly log: EventLog;
  readonly signer: Signer;
  readonly trust: Trust;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Before every topic and group name, `slipway.` by default. */
  readonly topicPrefix?: string;
  /** Shards of the outbox; the same number in every replica. Default 8. */
  readonly shards?: number;
  /** Partitions of a topic that does not exist yet. Default 4. */
  readonly partitions?: number;
  /** Every event there is, by name; contracts' catalog unless a test has its own. */
  readonly catalog?: Readonly<Record<string, EventDefinition>>;
  /** Where log chunks wait on disk until Kafka has them. Without it they wait in memory. */
  readonly spool?: { readonly dir: string; readonly maxBytes?: number };
  /** The consumer ended for good: the process should say so and exit 1. By default the error is thrown where nobody catches it. */
  readonly onDied?: (error: Error) => void;
}

/** A service's mouth and ears. */
export class Messaging {
  constructor(private readonly options: MessagingOptions) {}

  /** One transaction that may say events; for work no event started. Kept by `cause`: what it says is then an answer to that event. */
  async transact<T>(_fn: (unit: UnitOfWork) => Promise<T>, _cause?: Cause): Promise<T> {
    throw new Error(`${this.options.service}: not built yet`);
  }

  async start(_subscriptions: Subscriptions): Promise<void> {
    throw new Error('not built yet');
  }

  async stop(_graceMs: number): Promise<void> {}
}
