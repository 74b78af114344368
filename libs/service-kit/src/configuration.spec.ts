import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { services } from '@slipway/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, describeSettings, readConfiguration } from './configuration.js';
import { baseSettings, defaultPort } from './settings.js';

const enough = { KAFKA_BROKERS: 'one:9092, two:9092', DATABASE_URL: 'postgres://slipway:hush-hush@db:5432/slipway' };
const Own = z.object({
  SLIPWAY_SMTP_URL: z.url().describe('Mail server').meta({ secret: true, example: 'smtp://mail:25' }),
  SLIPWAY_RETRIES: z.coerce.number().int().min(1).default(5).describe('Tries before giving up'),
});

function refusal(environment: Record<string, string>, settings?: z.ZodType): string {
  try {
    readConfiguration('approval', settings, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('the settings of a service', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-settings-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('need only Kafka and Postgres', () => {
    const config = readConfiguration('approval', undefined, enough);
    expect(config.KAFKA_BROKERS).toEqual(['one:9092', 'two:9092']);
    expect(config).toMatchObject({ HOST: '127.0.0.1', SLIPWAY_TOPIC_PREFIX: 'slipway.', SLIPWAY_LOG_LEVEL: 'info', KAFKA_TLS: false });
    expect(config).toMatchObject({ SLIPWAY_KEY_FILE: '.slipway/keys/approval.json', SLIPWAY_TRUST_FILE: '.slipway/trust.json' });
  });

  it('name every bad variable at once and say what to do', () => {
    const message = refusal({ KAFKA_BROKERS: 'nonsense', SLIPWAY_LOG_LEVEL: 'loud', SLIPWAY_RETRIES: '0' }, Own);
    expect(message).toContain('approval cannot start, 5 settings are wrong');
    expect(message).toMatch(/KAFKA_BROKERS is "nonsense": each broker is host:port\. Correct it, for example KAFKA_BROKERS=localhost:9092/);
    expect(message).toMatch(/DATABASE_URL is not set\. Set it, for example DATABASE_URL=postgres:/);
    expect(message).toMatch(/SLIPWAY_LOG_LEVEL is "loud"/);
    expect(message).toMatch(/SLIPWAY_SMTP_URL is not set/);
    expect(message).toMatch(/SLIPWAY_RETRIES is "0"/);
  });

  it('keep no finished operation shorter than it is known which events were handled', () => {
    const config = readConfiguration('approval', undefined, enough);
    expect(config).toMatchObject({ SLIPWAY_KEEP_INBOX_DAYS: 30, SLIPWAY_KEEP_OPERATIONS_DAYS: 90 });
    expect(refusal({ ...enough, SLIPWAY_KEEP_INBOX_DAYS: '120' })).toContain(
      'SLIPWAY_KEEP_INBOX_DAYS is "120": operations would be kept 90 days, shorter than the 120 of the inbox',
    );
    expect(refusal({ ...enough, SLIPWAY_KEEP_OPERATIONS_DAYS: '25' })).toContain('SLIPWAY_KEEP_OPERATIONS_DAYS is "25"');
    expect(readConfiguration('approval', undefined, { ...enough, SLIPWAY_KEEP_INBOX_DAYS: '90' }).SLIPWAY_KEEP_INBOX_DAYS).toBe(90);
    expect(refusal({ ...enough, SLIPWAY_KEEP_INBOX_DAYS: '14' })).toContain('SLIPWAY_KEEP_INBOX_DAYS is "14"');
  });

  it('never repeat a secret that is wrong', () => {
    const message = refusal({ ...enough, DATABASE_URL: 'mysql://root:hush-hush@db' });
    expect(message).toContain('DATABASE_URL is set to something wrong');
    expect(message).not.toContain('hush-hush');
  });

  it('take an empty variable for one that is not set', () => {
    expect(readConfiguration('approval', undefined, { ...enough, HOST: '' }).HOST).toBe('127.0.0.1');
  });

  it('fill in the name of the service, for one environment of several services', () => {
    const config = readConfiguration('image-builder', undefined, { ...enough, SLIPWAY_KEY_FILE: '/keys/{service}.json' });
    expect(config.SLIPWAY_KEY_FILE).toBe('/keys/image-builder.json');
  });

  it('give each service a folder of its own for secrets, wherever that of all is', () => {
    expect(readConfiguration('notifier', undefined, { ...enough, SLIPWAY_SECRETS_DIR: '/s' }).SLIPWAY_SECRETS_DIR).toBe('/s/notifier');
    expect(readConfiguration('approval', undefined, { ...enough, SLIPWAY_DATA_DIR: '/d' }).SLIPWAY_SECRETS_DIR).toBe('/d/secrets/approval');
  });

  it('read a secret from the file that <NAME>_FILE names', () => {
    writeFileSync(join(folder, 'smtp'), 'smtp://user:pass@mail:25\n');
    const config = readConfiguration('notifier', Own, { ...enough, SLIPWAY_SMTP_URL_FILE: join(folder, 'smtp') });
    expect(config).toMatchObject({ SLIPWAY_SMTP_URL: 'smtp://user:pass@mail:25', SLIPWAY_RETRIES: 5 });
  });

  it('take what a secret file holds as it is but for the end of its line, and fill in the name of the service in its path', () => {
    writeFileSync(join(folder, 'password-of-notifier'), ' {service} hush \n');
    const config = readConfiguration('notifier', undefined, { ...enough, KAFKA_SASL_PASSWORD_FILE: join(folder, 'password-of-{service}') });
    expect(config.KAFKA_SASL_PASSWORD).toBe(' {service} hush ');
  });

  it('say which secret file cannot be read', () => {
    chmodSync(folder, 0o700);
    expect(refusal({ ...enough, SLIPWAY_SMTP_URL_FILE: join(folder, 'none') }, Own)).toMatch(
      /SLIPWAY_SMTP_URL_FILE names .*none, which cannot be read/,
    );
  });

  it('describe themselves for the reference', () => {
    expect(describeSettings(Own)).toEqual([
      { name: 'SLIPWAY_SMTP_URL', help: 'Mail server', default: undefined, required: true, secret: true, example: 'smtp://mail:25' },
      { name: 'SLIPWAY_RETRIES', help: 'Tries before giving up', default: '5', required: false, secret: false, example: undefined },
    ]);
  });

  it.each(describeSettings(baseSettings('approval')).map((setting) => [setting.name, setting.help]))('explain %s', (_, help) => {
    expect(help.length).toBeGreaterThan(10);
  });

  it('give each service a port of its own, the gateway 8080', () => {
    expect(Object.fromEntries(services.map((service) => [service, defaultPort(service)]))).toEqual({
      'source-watcher': 8081,
      'image-builder': 8082,
      'test-deployer': 8083,
      approval: 8084,
      'production-rollout': 8085,
      gateway: 8080,
      notifier: 8086,
    });
  });
});
