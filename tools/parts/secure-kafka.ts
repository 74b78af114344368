import { execFile } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DataDir } from './data-dir.ts';
import { type Broker, brokerSettings, runBroker } from './kafka.ts';
import { freePorts } from './ports.ts';
import { findCommand } from './processes.ts';

const run = promisify(execFile);
const jaas = 'org.apache.kafka.common.security';

/** A broker with guarded doors, each at an address `host:port`. */
export interface SecureKafka {
  /** TLS and a password, by PLAIN or SCRAM-SHA-512. */
  readonly withPassword: string;
  /** TLS and a client certificate. */
  readonly withCertificate: string;
  /** Neither. */
  readonly open: string;
  readonly files: {
    /** The authority that vouches for the broker and for its clients. */
    readonly ca: string;
    /** Another one, of which the broker knows nothing. */
    readonly otherCa: string;
    readonly clientCertificate: string;
    readonly clientKey: string;
  };
  stop(): Promise<void>;
}

/** Who may come in through the door with the password. The name is made of letters, digits and dashes. */
export interface KafkaUser {
  readonly name: string;
  readonly password: string;
}

/** Runs an Apache Kafka broker behind TLS, with certificates made for it, from the published jars. Needs Java, and openssl for the certificates. */
export async function startSecureKafka(dataDir: DataDir, user: KafkaUser): Promise<SecureKafka> {
  const java = findCommand('java');
  if (java === undefined) throw new Error('A Kafka broker behind TLS needs Java 17 (apt-get install openjdk-17-jre-headless maven).');
  const [open, withPassword, withCertificate] = (await freePorts(3)) as [number, number, number];
  const folder = await dataDir.folder('secure-kafka');
  const certificates = await makeCertificates(folder);
  const settings = await brokerSettings(open, join(folder, 'log'));
  const at = (port: number) => `127.0.0.1:${port}`;
  const doors = `PASSWORD://${at(withPassword)},CERTIFICATE://${at(withCertificate)}`;
  const broker: Broker = {
    name: 'secure-kafka',
    heapMiB: 256,
    port: open,
    settings: {
      ...settings,
      listeners: `${settings['listeners']},${doors}`,
      'advertised.listeners': `${settings['advertised.listeners']},${doors}`,
      'inter.broker.listener.name': 'PLAINTEXT',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_SSL,CERTIFICATE:SSL',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': certificates.broker,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificates.ca,
      'listener.name.certificate.ssl.client.auth': 'required',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'listener.name.password.plain.sasl.jaas.config': `${jaas}.plain.PlainLoginModule required user_${user.name}=${quoted(user.password)};`,
      'listener.name.password.scram-sha-512.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
    },
    formatWith: ['--add-scram', `SCRAM-SHA-512=${saltedUser(user)}`],
  };
  const part = await runBroker(dataDir, java, broker);
  return { withPassword: at(withPassword), withCertificate: at(withCertificate), open: part.url, files: certificates, stop: part.stop };
}

/** Salted here, so that the password is in no argument. */
function saltedUser({ name, password }: KafkaUser): string {
  const iterations = 4096;
  const salt = randomBytes(18);
  const salted = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  return `[name=${name},iterations=${iterations},salt="${salt.toString('base64')}",saltedpassword="${salted.toString('base64')}"]`;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

async function makeCertificates(folder: string) {
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder, timeout: 30_000 });
  const newKey = (name: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`)];
  const authority = (name: string) =>
    openssl('req', '-x509', ...newKey(name), '-out', file(`${name}.pem`), '-days', '2', '-subj', `/CN=${name} for tests`);
  await Promise.all(['ca', 'other-ca'].map(authority));
  for (const [name, extension] of [
    ['broker', 'subjectAltName=IP:127.0.0.1'],
    ['client', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    await writeFile(file(`${name}.ext`), `${extension}\n`);
    await openssl('req', '-new', ...newKey(name), '-out', file(`${name}.csr`), '-subj', `/CN=${name}`);
    const signing = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file(`${name}.ext`)];
    await openssl('x509', '-req', '-in', file(`${name}.csr`), ...signing, '-out', file(`${name}.pem`));
  }
  const store = file('broker-store.pem');
  await writeFile(store, `${await readFile(file('broker.key'), 'utf8')}${await readFile(file('broker.pem'), 'utf8')}`, { mode: 0o600 });
  return {
    broker: store,
    ca: file('ca.pem'),
    otherCa: file('other-ca.pem'),
    clientCertificate: file('client.pem'),
    clientKey: file('client.key'),
  };
}
