import { setTimeout as wait } from 'node:timers/promises';
import { type Service, services } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { CommitUnknown, Database } from '@slipway/postgres';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { FaultyParts } from '../fault.ts';
import { asAdministrator } from './a-postgres.ts';

/** Clients as the services are, one a service and part, that do nothing but note what becomes of what they ask. */
export interface BareClients {
  /** What went wrong since this was asked last, by the part: code and words. */
  troubles(): Record<ClientOf, string[]>;
  /** How often each part did what it was asked to, so far. */
  readonly done: Readonly<Record<ClientOf, number>>;
  /** Rows that were said to be committed, and rows nobody knows about. */
  readonly rows: { readonly committed: ReadonlySet<string>; readonly unknown: ReadonlySet<string> };
  stop(): Promise<void>;
}

export type ClientOf = 'postgres' | 'kafka' | 'docker' | 'registry';

/** As far as saboteurs care, what a service has. */
const tables = `create schema shop;
  create table shop.operation (id int primary key, state text);
  create table shop.stored_offset (topic text primary key, next int);
  create table shop.sequence (key text primary key, last int);
  create table shop.inbox (id text primary key);
  create table shop.outbox (id serial, value text);
  insert into shop.operation select id, 'running' from generate_series(1, 10) as id;
  insert into shop.stored_offset values ('a', 0), ('b', 0);
  insert into shop.sequence values ('k', 0), ('l', 0)`;

export async function bareClients(parts: FaultyParts, topic: string): Promise<BareClients> {
  await asAdministrator(parts.databaseUrl, (client) => client.query(tables));
  const over = new AbortController();
  const done = { postgres: 0, kafka: 0, docker: 0, registry: 0 };
  let troubles: Record<ClientOf, string[]> = { postgres: [], kafka: [], docker: [], registry: [] };
  const rows = { committed: new Set<string>(), unknown: new Set<string>() };
  const goOn = async (of: ClientOf, everyMs: number, once: () => Promise<unknown>): Promise<void> => {
    while (!over.signal.aborted) {
      await once().then(
        () => done[of]++,
        (error: Error & { code?: string }) => {
          troubles[of].push(`${error.code ?? error.name} ${error.message}`);
        },
      );
      await wait(everyMs);
    }
  };
  // Connected, all of them, before any goes on: who could not be is thrown to whoever asked for them.
  const connected = await Promise.all(
    services.map(async (service) => {
      const settings = parts.settings(service, 1, { DATABASE_URL: parts.databaseUrl });
      return { database: await commits(service, settings, rows), producer: produces(service, settings, topic) };
    }),
  );
  const going = connected.map(async ({ database, producer }) => {
    await Promise.all([goOn('postgres', 40, database.commit), goOn('kafka', 100, producer.send)]);
    await Promise.all([database.close(), producer.close()]);
  });
  const docker = DockerEngine.connect(parts.settings('gateway', 1, { DATABASE_URL: parts.databaseUrl })['DOCKER_HOST']);
  going.push(goOn('docker', 100, () => docker.ping({ signal: AbortSignal.timeout(2000) })));
  going.push(goOn('registry', 100, () => asks(parts.parts.registry)));
  return {
    done,
    rows,
    troubles: () => {
      const since = troubles;
      troubles = { postgres: [], kafka: [], docker: [], registry: [] };
      return since;
    },
    stop: async () => {
      over.abort();
      await Promise.all(going);
    },
  };
}

/** A transaction like a handler's, each with a row that tells whether it took place. */
async function commits(service: Service, settings: Record<string, string>, rows: { committed: Set<string>; unknown: Set<string> }) {
  const options = { statementTimeoutMs: 4000, lockTimeoutMs: 2000, poolSize: 2 };
  const database = await Database.connect({ url: settings['DATABASE_URL'] ?? '', schema: 'shop', applicationName: service, ...options });
  let number = 0;
  const commit = async (): Promise<void> => {
    const id = `${service} ${number++}`;
    try {
      await database.transaction(async (tx) => {
        await tx.query('insert into inbox (id) values ($1)', [id]);
        await tx.query(`update stored_offset set next = next + 1 where topic = 'a'`);
        await tx.query(`update operation set state = state where id = 1`);
        await tx.query(`insert into outbox (value) values (repeat('x', 1000))`);
        await tx.query(`update sequence set last = last + 1 where key = 'k'`);
      });
      rows.committed.add(id);
    } catch (error) {
      if (error instanceof CommitUnknown) rows.unknown.add(id);
      throw error;
    }
  };
  return { commit, close: () => database.close() };
}

function produces(service: Service, settings: Record<string, string>, topic: string) {
  const brokers = [settings['KAFKA_BROKERS'] ?? ''];
  const kafka = new Kafka({
    clientId: service,
    brokers,
    logLevel: logLevel.NOTHING,
    requestTimeout: 3000,
    connectionTimeout: 2000,
    retry: { retries: 1 },
  });
  let connected: Promise<Producer> | undefined;
  const connect = async (): Promise<Producer> => {
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  };
  const send = async (): Promise<void> => {
    connected ??= connect();
    try {
      await (await connected).send({ topic, messages: [{ value: 'x' }] });
    } catch (error) {
      void connected.then((producer) => producer.disconnect()).catch(() => undefined);
      connected = undefined;
      throw error;
    }
  };
  return { send, close: async () => await connected?.then((producer) => producer.disconnect()).catch(() => undefined) };
}

/** Begins an upload, sends some of it and gives it up. */
async function asks(registry: string): Promise<void> {
  const ask = async (url: string, method: string, body?: Uint8Array<ArrayBuffer>): Promise<Response> => {
    const answer = await fetch(url, { method, ...(body && { body }), signal: AbortSignal.timeout(4000) }).catch((error: Error) => {
      throw error.cause ?? error;
    });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer;
  };
  const begun = await ask(`http://${registry}/v2/shop/blobs/uploads/`, 'POST');
  const more = await ask(begun.headers.get('location') ?? '', 'PATCH', new Uint8Array(8192));
  await ask(more.headers.get('location') ?? '', 'DELETE');
}
