import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { KafkaOptions } from '@slipway/messaging';
import { ConfigurationError } from './configuration.js';
import type { BaseConfig } from './settings.js';

/**
 * How to speak TLS with the brokers, undefined for not at all. Throws ConfigurationError naming the setting whose file is missing or holds something
 * else: kafkajs would take either for a broker that is away, and try for ever.
 */
export async function tlsOf(config: BaseConfig): Promise<KafkaOptions['tls']> {
  const { KAFKA_TLS_CA_FILE: caFile, KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: keyFile } = config;
  if (!config.KAFKA_TLS && caFile === undefined && certFile === undefined && keyFile === undefined) return undefined;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ConfigurationError('KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE belong together: set both or neither.');
  }
  const ca = await pem('KAFKA_TLS_CA_FILE', caFile, 'a certificate', (text) => new X509Certificate(text));
  const cert = await pem('KAFKA_TLS_CERT_FILE', certFile, 'a certificate', (text) => new X509Certificate(text));
  const key = await pem('KAFKA_TLS_KEY_FILE', keyFile, 'a private key without a passphrase', createPrivateKey);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const why = (error as Error).message;
    throw new ConfigurationError(`The key in KAFKA_TLS_KEY_FILE does not go with the certificate in KAFKA_TLS_CERT_FILE: ${why}.`);
  }
  return { ca, cert, key };
}

async function pem(setting: string, file: string | undefined, what: string, parse: (text: string) => unknown): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new ConfigurationError(`${setting} names ${file}, which cannot be read: ${error.message}. Correct the path or its permissions.`);
  });
  try {
    parse(text);
  } catch {
    throw new ConfigurationError(`${setting} names ${file}, which does not hold ${what} in PEM form. Correct the path or the file.`);
  }
  return text;
}

/** How to sign in at the brokers, undefined for not at all. Throws ConfigurationError when only a part of it is set. */
export function saslOf(config: BaseConfig): KafkaOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config;
  if (!mechanism) {
    if (!username && !password) return undefined;
    throw new ConfigurationError('KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD need KAFKA_SASL_MECHANISM: set it, or unset them.');
  }
  if (!username || !password) {
    throw new ConfigurationError(
      'KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD (or KAFKA_SASL_PASSWORD_FILE): set them.',
    );
  }
  return { mechanism, username, password };
}
