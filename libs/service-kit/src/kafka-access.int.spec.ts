import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EventLog, LogRefused } from '@slipway/messaging';
import { aDatabase, aKeyRing, aTopicPrefix, eventually, listenTo } from '@slipway/testkit';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeTopics } from '../../../tools/parts/borrowed.ts';
import { type DataDir, temporaryDataDir } from '../../../tools/parts/data-dir.ts';
import { startKafka } from '../../../tools/parts/kafka.ts';
import { type SecureKafka, startSecureKafka } from '../../../tools/parts/secure-kafka.ts';
import { ConfigurationError, type Environment, readConfiguration } from './configuration.js';
import { eventLogOf } from './parts.js';

/** Begins with what sign-ins and files of properties stumble over; its end looks the same in JSON and in plain text. */
const password = 'p=1,n="s\\w é{service} hush-hush';
const wrong = 'not-hush-hush';
const secret = 'hush-hush';
const root = join(import.meta.dirname, '..', '..', '..');
const main = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { boot, ServiceModule, subscribe } from '@slipway/service-kit';
class GatewayModule {}
Module({ imports: [ServiceModule.register({ name: 'gateway', subscriptions: subscribe('gateway', []) })] })(GatewayModule);
await boot(GatewayModule);
`;

describe('Kafka behind TLS', () => {
  let dataDir: DataDir;
  let kafka: SecureKafka;
  let files: { password: string; wrong: string; broken: string };
  const logged: string[] = [];
  const open: EventLog[] = [];

  beforeAll(async () => {
    dataDir = await temporaryDataDir('kafka-access');
    const file = (name: string) => join(dataDir.path, name);
    files = { password: file('password'), wrong: file('wrong'), broken: file('broken.pem') };
    await writeFile(files.password, `${password}\n`, { mode: 0o600 });
    await writeFile(files.wrong, `${wrong}\n`, { mode: 0o600 });
    await writeFile(files.broken, 'no certificate');
    kafka = await startSecureKafka(dataDir, { name: 'slipway', password });
  });
  afterAll(async () => {
    await Promise.all(open.map((log) => log.close()));
    await kafka?.stop();
    await dataDir?.close();
  });

  /** As a service gets it from its settings; what it logs at its most talkative is kept. */
  const logOf = async (settings: Environment): Promise<EventLog> => {
    const config = readConfiguration('approval', undefined, { DATABASE_URL: 'postgres://nobody@localhost/none', ...settings });
    const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
    const log = await eventLogOf('approval', 'instance', config, logger);
    open.push(log);
    return log;
  };
  const byPassword = (more: Environment = {}): Environment => ({
    KAFKA_BROKERS: kafka.withPassword,
    KAFKA_TLS_CA_FILE: kafka.files.ca,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: 'slipway',
    KAFKA_SASL_PASSWORD_FILE: files.password,
    ...more,
  });
  const byCertificate = (more: Environment = {}): Environment => ({
    KAFKA_BROKERS: kafka.withCertificate,
    KAFKA_TLS_CA_FILE: kafka.files.ca,
    KAFKA_TLS_CERT_FILE: kafka.files.clientCertificate,
    KAFKA_TLS_KEY_FILE: kafka.files.clientKey,
    ...more,
  });

  describe.concurrent('with the right settings', () => {
    it.each([
      ['SCRAM-SHA-512', () => byPassword()],
      ['PLAIN', () => byPassword({ KAFKA_SASL_MECHANISM: 'plain' })],
      ['a client certificate', () => byCertificate()],
    ])('takes and gives records by %s', async (_, settings) => {
      const log = await logOf(settings());
      const topic = `${aTopicPrefix()}told`;
      const { running, heard, died } = await listenTo(log, topic);
      await log.publish([{ topic, key: 'k', value: Buffer.from('said'), headers: {} }]);
      await eventually(() => heard.length + died.length > 0);
      expect([heard, died]).toEqual([['said'], []]);
      expect(log.health()).toEqual({ connected: true });
      await running.stop(500);
    });

    it('lets a service in with the password, and ends one that has a wrong one with a word about it', async () => {
      const [database, keys] = await Promise.all([aDatabase(), aKeyRing()]);
      const started: ChildProcess[] = [];
      const run = (settings: Environment) => {
        const args = ['--import', join(root, 'tools/docs/source-loader.mjs'), '--input-type=module', '-e', main];
        const own = {
          DATABASE_URL: database.url,
          SLIPWAY_DATA_DIR: keys.dir,
          SLIPWAY_LOG_LEVEL: 'debug',
          PORT: '0',
          PATH: process.env.PATH,
        };
        const child = spawn(process.execPath, args, { cwd: import.meta.dirname, env: { ...own, ...settings } });
        started.push(child);
        const said = { text: '' };
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said.text += chunk));
        return { child, said, ended: once(child, 'exit') };
      };
      try {
        const good = run(byPassword());
        await eventually(() => expect(good.said.text).toContain('"msg":"ready"'), { within: 20_000 });
        expect(await readFile(`/proc/${good.child.pid}/cmdline`, 'utf8')).not.toContain(secret);
        const bad = run(byPassword({ KAFKA_SASL_PASSWORD_FILE: files.wrong }));
        expect((await bad.ended)[0]).toBe(1);
        expect(bad.said.text).toMatch(/cannot start: Kafka refused the sign-in of .*KAFKA_SASL_PASSWORD/);
        good.child.kill('SIGTERM');
        await good.ended;
        for (const { said } of [good, bad]) expect(said.text).not.toContain(secret);
      } finally {
        for (const child of started) child.kill('SIGKILL');
        await database.drop();
        await keys.drop();
      }
    });
  });

  describe.concurrent('refuses', () => {
    it.each<[string, () => Environment, string, RegExp]>([
      [
        'a wrong password',
        () => byPassword({ KAFKA_SASL_PASSWORD_FILE: files.wrong }),
        'sign-in',
        /"slipway" by scram-sha-512: .*KAFKA_SASL_PASSWORD/,
      ],
      [
        'a wrong password in plain',
        () => byPassword({ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD_FILE: files.wrong }),
        'sign-in',
        /KAFKA_SASL_PASSWORD_FILE/,
      ],
      ['an unknown user', () => byPassword({ KAFKA_SASL_USERNAME: 'nobody' }), 'sign-in', /"nobody".*KAFKA_SASL_USERNAME/],
      [
        'a way to sign in that is not enabled',
        () => byPassword({ KAFKA_SASL_MECHANISM: 'scram-sha-256' }),
        'mechanism',
        /KAFKA_SASL_MECHANISM/,
      ],
      [
        'a sign-in where none is wanted',
        () => byCertificate({ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'slipway', KAFKA_SASL_PASSWORD_FILE: files.password }),
        'sign-in',
        /unset KAFKA_SASL_MECHANISM/,
      ],
      ['an authority it was not told', () => byPassword({ KAFKA_TLS_CA_FILE: kafka.files.otherCa }), 'certificate', /KAFKA_TLS_CA_FILE/],
      ['an authority nobody knows', () => byPassword({ KAFKA_TLS: '1', KAFKA_TLS_CA_FILE: '' }), 'certificate', /KAFKA_TLS_CA_FILE/],
      [
        'a broker by a name its certificate does not have',
        () => byPassword({ KAFKA_BROKERS: kafka.withPassword.replace('127.0.0.1', 'localhost') }),
        'certificate',
        /localhost.*KAFKA_BROKERS/,
      ],
      [
        'to come without a client certificate',
        () => byCertificate({ KAFKA_TLS_CERT_FILE: '', KAFKA_TLS_KEY_FILE: '' }),
        'client-certificate',
        /KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE/,
      ],
    ])('%s, and names the setting', async (_, settings, why, words) => {
      const log = await logOf(settings());
      const refusal = await log.ensureTopics([{ name: 'never', partitions: 1, retention: 'compact' }]).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(LogRefused);
      expect(refusal).toMatchObject({ why, message: expect.stringMatching(words) });
      expect(log.health()).toMatchObject({ connected: false, reason: expect.stringMatching(words) });
    });

    it.each<[string, () => Environment, string]>([
      ['no TLS where TLS is wanted', () => ({ KAFKA_BROKERS: kafka.withPassword }), 'check KAFKA_TLS and KAFKA_SASL_MECHANISM'],
      [
        'no sign-in where one is wanted',
        () => ({ KAFKA_BROKERS: kafka.withPassword, KAFKA_TLS_CA_FILE: kafka.files.ca }),
        'check KAFKA_SASL_MECHANISM',
      ],
      ['TLS where none is spoken', () => ({ KAFKA_BROKERS: kafka.open, KAFKA_TLS: '1' }), 'check KAFKA_TLS'],
    ])('%s only while it lasts, and says what to look at', async (_, settings, words) => {
      const log = await logOf(settings());
      const waiting = log.ensureTopics([{ name: 'never', partitions: 1, retention: 'compact' }]).catch((error: unknown) => error);
      await eventually(() => log.health().reason?.includes(words) ?? false, { within: 15_000 });
      await log.close();
      expect(await waiting).not.toBeInstanceOf(LogRefused);
    });
  });

  it.each<[string, () => Environment, RegExp]>([
    [
      'a file that is not there',
      () => byPassword({ KAFKA_TLS_CA_FILE: '/nonexistent/ca.pem' }),
      /^KAFKA_TLS_CA_FILE names .* cannot be read/,
    ],
    [
      'a file that holds no certificate',
      () => byPassword({ KAFKA_TLS_CA_FILE: files.broken }),
      /^KAFKA_TLS_CA_FILE names .* a certificate in PEM/,
    ],
    ['a file that holds no key', () => byCertificate({ KAFKA_TLS_KEY_FILE: files.broken }), /^KAFKA_TLS_KEY_FILE names .* a private key/],
    ['the key of another certificate', () => byCertificate({ KAFKA_TLS_CERT_FILE: kafka.files.ca }), /KAFKA_TLS_KEY_FILE does not go with/],
    ['a certificate without its key', () => byCertificate({ KAFKA_TLS_KEY_FILE: '' }), /belong together/],
    ['a mechanism without a password', () => byPassword({ KAFKA_SASL_PASSWORD_FILE: '' }), /^KAFKA_SASL_MECHANISM needs/],
    ['a password without a mechanism', () => byPassword({ KAFKA_SASL_MECHANISM: '' }), /need KAFKA_SASL_MECHANISM/],
  ])('does not start with %s', async (_, settings, words) => {
    const fault = await logOf(settings()).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(ConfigurationError);
    expect((fault as Error).message).toMatch(words);
  });

  it('lets the commands of the tools in by the same settings', async () => {
    const before = { ...process.env };
    Object.assign(process.env, byPassword());
    try {
      const part = await startKafka(dataDir, { heapMiB: 64 });
      expect(part).toMatchObject({ url: kafka.withPassword, ours: false });
      await removeTopics(part.url, 'nobody-has-these.');
    } finally {
      for (const name of Object.keys(byPassword())) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  it('keeps the password out of every log line', () => {
    expect(logged.length).toBeGreaterThan(20);
    expect(logged.filter((line) => line.includes(secret))).toEqual([]);
  });
});
