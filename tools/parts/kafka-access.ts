import { readFileSync } from 'node:fs';
import type { KafkaConfig } from 'kafkajs';

/**
 * How a client of ours reaches these brokers: with TLS and a sign-in as the services' own settings (KAFKA_TLS…, KAFKA_SASL_…) say, where they are those
 * KAFKA_BROKERS names; plainly where we run them.
 */
export function kafkaAt(brokers: string, env: NodeJS.ProcessEnv = process.env): Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'> {
  const list = brokers.split(',').map((broker) => broker.trim());
  return brokers === env['KAFKA_BROKERS'] ? { brokers: list, ssl: tlsOf(env), sasl: saslOf(env) } : { brokers: list };
}

function tlsOf(env: NodeJS.ProcessEnv): KafkaConfig['ssl'] {
  const files = { ca: env['KAFKA_TLS_CA_FILE'], cert: env['KAFKA_TLS_CERT_FILE'], key: env['KAFKA_TLS_KEY_FILE'] };
  const named = Object.entries(files).filter((entry): entry is [string, string] => Boolean(entry[1]));
  if (named.length === 0 && !['1', 'true'].includes(env['KAFKA_TLS'] ?? '')) return undefined;
  return Object.fromEntries(named.map(([part, file]) => [part, readFileSync(file, 'utf8')]));
}

function saslOf(env: NodeJS.ProcessEnv): KafkaConfig['sasl'] {
  const mechanism = env['KAFKA_SASL_MECHANISM'];
  if (!mechanism) return undefined;
  const file = env['KAFKA_SASL_PASSWORD_FILE'];
  const password = file ? readFileSync(file, 'utf8').replace(/[\r\n]+$/, '') : env['KAFKA_SASL_PASSWORD'];
  // kafkajs types each mechanism apart
  return { mechanism, username: env['KAFKA_SASL_USERNAME'] ?? '', password: password ?? '' } as KafkaConfig['sasl'];
}
