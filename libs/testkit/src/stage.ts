import type { Type } from '@nestjs/common';
import { attestationPayloadType, catalog, type DataOf, type EventDefinition, type Service, SignOffPosted } from '@slipway/contracts';
import { canonicalJson, seal } from '@slipway/identity';
import { KafkajsEventLog, Messaging, messagingMigrations, type Received, type Said } from '@slipway/messaging';
import { Database, schemaOf } from '@slipway/postgres';
import { type Booted, boot } from '@slipway/service-kit';
import pino from 'pino';
import { Registry } from 'prom-client';
import { aDatabase, type TestDatabase } from './a-database.js';
import { aKeyRing, type TestKeyRing } from './a-key-ring.js';
import { eventually } from './eventually.js';
import { anId, aTopicPrefix } from './nouns.js';
import { realParts } from './real-parts.js';

/** One service under test, for real, among voices that speak as the others and an ear that hears everything. */
export interface Stage {
  readonly database: TestDatabase;
  readonly keys: TestKeyRing;
  /** What a service needs to be started in the same place: give it to `boot` for a second replica. */
  readonly environment: Readonly<Record<string, string>>;
  /** Everything said so far, in the order it was heard. */
  readonly heard: readonly Received[];
  /** Starts a replica of the service under test. */
  start(root: Type, more?: Record<string, string>): Promise<Booted>;
  /** Says an event as that service, signed with its key. */
  say<E extends EventDefinition>(service: Service, event: E, said: Said<E>): Promise<string>;
  /** Says as the gateway that somebody signed off over HTTP, with its attestation; approved without a comment if not said otherwise. Gives the id of the event. */
  signsOff(person: { readonly id: string }, asked: Asked, given?: { decision?: 'approve' | 'reject'; comment?: string }): Promise<string>;
  /** Waits for an event that fits, and returns its data. */
  hears<E extends EventDefinition>(event: E, fits?: (data: DataOf<E>) => boolean, within?: number): Promise<DataOf<E>>;
  /** Whether that service has dealt with the event of this id, for good. */
  hasHandled(service: Service, event: string): Promise<boolean>;
  /** Waits until it has. */
  handles(service: Service, event: string, within?: number): Promise<void>;
  /** Stops every replica and voice and takes everything away. Call it in afterAll. */
  clear(): Promise<void>;
}

/** What a request asks, as `approval.requested` has it. */
interface Asked {
  readonly request: string;
  readonly asks: string;
}

export interface StageOptions {
  /** The service whose ears are used to hear everything; it must not be the one under test. */
  readonly ear?: Service;
  /** Brokers of the test's own, where it takes them away. */
  readonly kafkaBrokers?: readonly string[];
}

/** Sets a stage on real Kafka and Postgres: `const stage = await aStage()` in beforeAll, `stage.clear()` in afterAll. */
export async function aStage({ ear = 'notifier', kafkaBrokers = realParts().kafkaBrokers }: StageOptions = {}): Promise<Stage> {
  const [database, keys] = await Promise.all([aDatabase(), aKeyRing()]);
  const prefix = aTopicPrefix();
  const voices = new Map<Service, Promise<Voice>>();
  const booted: Booted[] = [];
  const heard: Received[] = [];
  const voice = (service: Service) => {
    const there =
      voices.get(service) ??
      aVoice({ service, url: database.url, keys, topicPrefix: prefix, kafkaBrokers, heard: service === ear ? heard : undefined });
    voices.set(service, there);
    return there;
  };
  await voice(ear);
  const environment = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: kafkaBrokers.join(','),
    SLIPWAY_TOPIC_PREFIX: prefix,
    SLIPWAY_DATA_DIR: keys.dir,
    SLIPWAY_TRUST_FILE: keys.trustFile,
    SLIPWAY_LOG_LEVEL: process.env['SLIPWAY_TEST_LOG'] ?? 'silent',
    PORT: '0',
    ...(realParts().dockerHost === undefined ? {} : { DOCKER_HOST: realParts().dockerHost as string }),
  };
  const hasHandled = async (service: Service, event: string) =>
    (await database.query(`select 1 from ${schemaOf(service)}.inbox where event_id = $1`, [event])).length > 0;
  const say: Stage['say'] = async (service, event, said) =>
    (await voice(service)).messaging.transact(async (unit) => unit.publish(event, said));
  return {
    database,
    keys,
    environment,
    heard,
    say,
    signsOff: async ({ id: person }, { request, asks }, { decision = 'approve', comment = '' } = {}) => {
      const claims = { request, asks, decision, comment, person, time: new Date().toISOString(), nonce: anId(), via: 'token' };
      const attestation = await seal(keys.keys.gateway.signer, attestationPayloadType, canonicalJson(claims));
      return say('gateway', SignOffPosted, { subject: request, data: { request, proof: { via: 'http', attestation } } });
    },
    start: async (root, more = {}) => {
      const service = await boot(root, { environment: { ...environment, ...more }, ownsProcess: false });
      booted.push(service);
      return service;
    },
    hears: async (event, fits = () => true, within = 20_000) => {
      const found = await eventually(
        () => heard.find((each) => each.name === event.name && fits(each.data as DataOf<typeof event>)) ?? false,
        { within },
      );
      return (found as Received).data as DataOf<typeof event>;
    },
    hasHandled,
    handles: async (service, event, within = 20_000) => void (await eventually(() => hasHandled(service, event), { within })),
    clear: async () => {
      await Promise.all(booted.map((service) => service.stop()));
      await Promise.all([...voices.values()].map(async (each) => (await each).close()));
      await Promise.all([database.drop(), keys.drop()]);
    },
  };
}

interface Voice {
  readonly messaging: Messaging;
  close(): Promise<void>;
}

interface VoiceOptions {
  readonly service: Service;
  readonly url: string;
  readonly keys: TestKeyRing;
  readonly topicPrefix: string;
  readonly kafkaBrokers: readonly string[];
  readonly heard: Received[] | undefined;
}

async function aVoice({ service, url, keys, topicPrefix, kafkaBrokers, heard }: VoiceOptions): Promise<Voice> {
  const logger = pino({ level: 'silent' });
  const database = await Database.connect({ url, schema: schemaOf(service), applicationName: `voice of ${service}` });
  await database.migrate(messagingMigrations, 'messaging');
  const log = new KafkajsEventLog({ clientId: `voice-${service}`, brokers: kafkaBrokers, logger });
  const messaging = new Messaging({
    service,
    database,
    log,
    signer: keys.keys[service].signer,
    trust: keys.trust,
    registry: new Registry(),
    logger,
    topicPrefix,
  });
  const listen = { handle: async (event: Received) => void heard?.push(event) };
  await messaging.start(
    heard ? new Map([...catalog.values()].filter((event) => event.name !== 'log.appended').map((event) => [event, listen])) : new Map(),
  );
  return {
    messaging,
    close: async () => {
      await messaging.stop(3000);
      await log.close();
      await database.close();
    },
  };
}
