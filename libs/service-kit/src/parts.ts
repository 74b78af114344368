import { readFile } from 'node:fs/promises';
import type { Service } from '@slipway/contracts';
import { type EventLog, KafkajsEventLog, type KafkaOptions, messagingMigrations } from '@slipway/messaging';
import { migrations as operationsMigrations } from '@slipway/operations';
import { Database, isTransient, schemaOf } from '@slipway/postgres';
import { ConfigurationError } from './configuration.js';
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

/** Kafka as the settings describe it; connects by itself when it is used. Throws ConfigurationError when a file it needs cannot be read. */
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

async function tlsOf(config: BaseConfig): Promise<KafkaOptions['tls']> {
  const files = { ca: config.KAFKA_TLS_CA_FILE, cert: config.KAFKA_TLS_CERT_FILE, key: config.KAFKA_TLS_KEY_FILE };
  const named = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (!config.KAFKA_TLS && named.length === 0) return undefined;
  if ((files.cert === undefined) !== (files.key === undefined)) {
    throw new ConfigurationError('KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE belong together: set both or neither.');
  }
  const read = async ([part, file]: [string, string]) =>
    [part, await readFile(file).catch((error: Error) => unreadable(part, file, error))] as const;
  return Object.fromEntries(await Promise.all(named.map(read)));
}

function unreadable(part: string, file: string, error: Error): never {
  throw new ConfigurationError(
    `KAFKA_TLS_${part.toUpperCase()}_FILE names ${file}, which cannot be read: ${error.message}. Correct the path or its permissions.`,
  );
}

function saslOf(config: BaseConfig): KafkaOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config;
  if (!mechanism) return undefined;
  if (!username || !password) {
    throw new ConfigurationError(
      'KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD (or KAFKA_SASL_PASSWORD_FILE): set them.',
    );
  }
  return { mechanism, username, password };
}
