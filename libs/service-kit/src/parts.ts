import type { Service } from '@slipway/contracts';
import { type EventLog, KafkajsEventLog, messagingMigrations } from '@slipway/messaging';
import { migrations as operationsMigrations } from '@slipway/operations';
import { Database, isTransient, schemaOf } from '@slipway/postgres';
import { saslOf, tlsOf } from './kafka-access.js';
import type { Logger } from './logging.js';
import type { ServiceDefinition } from './service.module.js';
import type { BaseConfig } from './settings.js';
import { untilItWorks } from './waiting.js';

/** How a part is waited for: who is told the reason, and what ends the waiting. */
export interface Waiter {
  onWait(reason: string, error: unknown): void;
  readonly signal: AbortSignal;
}

/** Connects to the service's schema; waits while Postgres is away or starting, throws when it says no (password, database, permission). */
export async function connectDatabase(service: Service, config: BaseConfig, waiter: Waiter): Promise<Database> {
  const connect = () =>
    Database.connect({
      url: config.DATABASE_URL,
      schema: schemaOf(service),
      applicationName: `slipway ${service}`,
      poolSize: config.SLIPWAY_DB_POOL_SIZE,
      waitMs: 0,
    });
  return untilItWorks(connect, { ...waiter, passes: isTransient });
}

/** Runs the migrations of messaging, of operations and of the service, in this order. */
export async function migrateAll(database: Database, definition: ServiceDefinition, waiter: Waiter): Promise<string[]> {
  const sets = [
    ['messaging', messagingMigrations],
    ['operations', operationsMigrations],
    ['service', definition.migrations ?? []],
  ] as const;
  const done: string[] = [];
  for (const [set, migrations] of sets) {
    done.push(...(await untilItWorks(() => database.migrate(migrations, set), { ...waiter, passes: isTransient })));
  }
  return done;
}

/** Kafka as the settings describe it; connects by itself when it is used. Throws ConfigurationError when a file it needs is not there or not what it should be. */
export async function eventLogOf(service: Service, instance: string, config: BaseConfig, logger: Logger): Promise<EventLog> {
  return new KafkajsEventLog({
    brokers: config.KAFKA_BROKERS,
    clientId: `slipway-${service}-${instance.slice(0, 8)}`,
    logger,
    tls: await tlsOf(config),
    sasl: saslOf(config),
    replication: config.SLIPWAY_TOPIC_REPLICAS,
  });
}
