import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Body, Controller, Get, Inject, Injectable, Module, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { CommandIssued, NotificationFailed, PersonChanged, TargetApplied } from '@slipway/contracts';
import { type ConsumeOptions, type Handler, InMemoryEventLog, Messaging, type Received, type UnitOfWork } from '@slipway/messaging';
import { type Claim, type Outcome, owe, type Work } from '@slipway/operations';
import { Database, type QueryRunner } from '@slipway/postgres';
import {
  aDatabase,
  aKeyRing,
  aTopicPrefix,
  eventually,
  freePort,
  realParts,
  TcpProxy,
  type TestDatabase,
  type TestKeyRing,
} from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Booted, boot, bootAll, type ConfigOf, on, Problem, SERVICE_CONFIG, ServiceModule, subscribe } from './index.js';
import { RunningService } from './running-service.js';
import { Stopped } from './waiting.js';

/* An example of two services that talk: `gateway` takes targets over HTTP, `notifier` tells about each, `gateway` keeps what it hears. */

const NotifierConfig = z.object({ SLIPWAY_CHANNEL: z.enum(['mail', 'webhook']).default('mail').describe('How to tell people') });

interface Telling {
  readonly event: string;
  readonly trace: string;
}

/** Owes the telling: a handler never does slow work. */
@Injectable()
class OnTargetApplied implements Handler<typeof TargetApplied> {
  async handle(event: Received<typeof TargetApplied>, unit: UnitOfWork): Promise<void> {
    await owe(unit.tx, {
      kind: 'tell',
      key: event.data.target,
      input: { event: event.id, trace: event.traceparent?.slice(3, 35) ?? 'none' },
    });
  }
}

@Injectable()
class RunTell implements Work<Telling> {
  readonly kind = 'tell';
  readonly callTimeoutMs = 1_000;

  constructor(@Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof NotifierConfig>) {}

  async run(claim: Claim<Telling>): Promise<Outcome> {
    const data = {
      delivery: v7(),
      event: claim.operation.input.event,
      channel: this.config.SLIPWAY_CHANNEL,
      to: 'ops@example.org',
      template: claim.operation.input.trace,
      attempts: 1,
      reason: { code: 'mail-refused', message: 'no mail server' },
    };
    await claim.complete(async (unit) => {
      unit.publish(NotificationFailed, { subject: claim.operation.key, data });
    });
    return { done: true };
  }
}

/** What a notifier must hear besides, and this one has no use for. */
@Injectable()
class OnTheRest implements Handler {
  async handle(): Promise<void> {}
}
const heardByNotifier = subscribe('notifier', [
  on(TargetApplied, OnTargetApplied),
  on(CommandIssued, OnTheRest),
  on(PersonChanged, OnTheRest),
]);

@Module({
  imports: [
    ServiceModule.register({
      name: 'notifier',
      config: NotifierConfig,
      subscriptions: heardByNotifier,
      works: [RunTell],
    }),
  ],
  providers: [OnTargetApplied, OnTheRest, RunTell],
})
class NotifierModule {}

class CreateTold1764000000000 {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table told (target text primary key, channel text not null, trace text not null)');
  }
  async down(): Promise<void> {}
}

@Injectable()
class OnNotificationFailed implements Handler<typeof NotificationFailed> {
  async handle(event: Received<typeof NotificationFailed>, unit: UnitOfWork): Promise<void> {
    await unit.tx.query('insert into told (target, channel, trace) values ($1, $2, $3)', [
      event.subject,
      event.data.channel,
      event.data.template,
    ]);
  }
}

@Controller()
class TargetsController {
  constructor(
    private readonly messaging: Messaging,
    private readonly database: Database,
  ) {}

  @Post('targets')
  async apply(@Body({ schema: z.object({ name: z.string().min(1) }) }) body: { name: string }): Promise<{ event: string }> {
    const by = { id: v7(), name: 'ada', email: null };
    const data = { target: body.name, version: 1, file: null, by } as unknown as z.input<typeof TargetApplied.data>;
    return { event: await this.messaging.transact(async (unit) => unit.publish(TargetApplied, { subject: body.name, data })) };
  }

  @Post('raw')
  raw(@Req() request: RawBodyRequest<object>): { raw: string } {
    return { raw: String(request.rawBody) };
  }

  @Get('told')
  async told(): Promise<unknown> {
    return this.database.query('select target, channel, trace from told');
  }

  @Get('refuse')
  refuse(): never {
    throw new Problem(409, 'It is frozen until Monday.', { type: 'https://slipway.dev/problems/frozen' });
  }
}

@Injectable()
class RunCount implements Work {
  readonly kind = 'count';
  readonly callTimeoutMs = 1_000;

  async run(): Promise<Outcome> {
    return { done: true };
  }
}

@Module({
  imports: [
    ServiceModule.register({
      name: 'gateway',
      migrations: [CreateTold1764000000000],
      subscriptions: subscribe('gateway', [on(NotificationFailed, OnNotificationFailed)]),
      works: [RunCount],
    }),
  ],
  providers: [OnNotificationFailed, RunCount],
  controllers: [TargetsController],
})
class GatewayModule {}

/* Modules that must not start. */
@Module({
  imports: [
    ServiceModule.register({
      name: 'notifier',
      subscriptions: heardByNotifier,
      works: [RunTell],
    }),
  ],
})
class WithoutProviders {}
@Module({ imports: [ServiceModule.register({ name: 'production-rollout' })] })
class WithoutSubscriptions {}
@Module({})
class NoService {}

describe('a service', () => {
  let database: TestDatabase;
  let keys: TestKeyRing;
  const running: Booted[] = [];

  const environment = (more: Record<string, string> = {}) => ({
    KAFKA_BROKERS: realParts().kafkaBrokers.join(','),
    DATABASE_URL: database.url,
    SLIPWAY_DATA_DIR: keys.dir,
    SLIPWAY_TOPIC_PREFIX: prefix,
    SLIPWAY_LOG_LEVEL: 'silent',
    PORT: '0',
    ...more,
  });
  let prefix: string;
  const start = async (root: Parameters<typeof boot>[0], more: Record<string, string> = {}) => {
    const booted = await boot(root, { environment: environment(more), ownsProcess: false });
    running.push(booted);
    return booted;
  };

  beforeAll(async () => {
    [database, keys] = await Promise.all([aDatabase(), aKeyRing()]);
    prefix = aTopicPrefix();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((booted) => booted.stop()));
  });
  afterAll(async () => {
    await database.drop();
    await keys.drop();
  });

  it('hears an event, works on what it owes, answers, and is heard', async () => {
    running.push(...(await bootAll([GatewayModule, NotifierModule], { environment: environment(), ownsProcess: false })));
    const [gateway, notifier] = running as [Booted, Booted];
    expect(gateway.url).not.toBe(notifier.url);
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const applied = await fetch(`${gateway.url}/targets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${trace}-b7ad6b7169203331-01` },
      body: '{"name":"lab"}',
    });
    expect(applied.status).toBe(201);
    await eventually(
      async () => expect(await (await fetch(`${gateway.url}/told`)).json()).toEqual([{ target: 'lab', channel: 'mail', trace }]),
      {
        within: 20_000,
      },
    );
    for (const { url } of running) {
      expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: 'ready', missing: [] });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain('slipway_service_ready 1');
      expect(metrics).toContain('process_cpu_seconds_total');
      expect(metrics).toContain('slipway_rows_pruned_total{table="operation"} 0');
      for (const table of ['inbox', 'outbox', 'operation'])
        expect(metrics).toMatch(new RegExp(`slipway_table_rows\\{table="${table}"} \\d`));
    }
  });

  it('keeps the bytes of a body, refuses with problem+json, and measures by route', async () => {
    const { url } = await start(GatewayModule, { SLIPWAY_BODY_LIMIT: '1024' });
    const post = (path: string, body: string) =>
      fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(await (await post('/raw', '{ "a":1 }')).json()).toEqual({ raw: '{ "a":1 }' });
    const frozen = await fetch(`${url}/refuse`);
    expect([frozen.status, frozen.headers.get('content-type')]).toEqual([409, 'application/problem+json; charset=utf-8']);
    expect(await frozen.json()).toMatchObject({ type: 'https://slipway.dev/problems/frozen', detail: 'It is frozen until Monday.' });
    expect(await (await post('/targets', '{"name":""}')).json()).toMatchObject({ status: 400, errors: [{ field: 'name' }] });
    expect(await (await post('/targets', '{nonsense')).json()).toMatchObject({ status: 400, title: 'Bad Request' });
    expect((await post('/targets', JSON.stringify({ name: 'x'.repeat(2000) }))).status).toBe(413);
    expect(await (await fetch(`${url}/nowhere`)).json()).toMatchObject({ status: 404, title: 'Not Found' });
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      /slipway_http_request_duration_seconds_count\{method="GET",route="\/refuse",code="409"/,
    );
  });

  it('shows metrics to who comes through a proxy with the token of its file', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'slipway-metrics-')), 'token');
    await writeFile(file, 'a-token\n', { mode: 0o600 });
    const { url } = await start(GatewayModule, { SLIPWAY_METRICS_TOKEN_FILE: file });
    const status = async (more: Record<string, string>) =>
      (await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.7', ...more } })).status;
    expect([await status({}), await status({ authorization: 'Bearer a-token' })]).toEqual([401, 200]);
    await rm(dirname(file), { recursive: true });
  });

  it('takes a webhook of any content type as bytes', async () => {
    const { url } = await start(GatewayModule);
    const posted = await fetch(`${url}/raw`, { method: 'POST', headers: { 'content-type': 'application/x-whatever' }, body: 'r\u0000w' });
    expect(await posted.json()).toEqual({ raw: 'r\u0000w' });
  });

  it('waits for Postgres and Kafka, saying so, and gets ready when they come', async () => {
    const postgres = await TcpProxy.before(database.url);
    const kafka = await TcpProxy.before(`tcp://${realParts().kafkaBrokers[0]}`);
    postgres.proxy.refuse();
    kafka.proxy.refuse();
    const port = await freePort();
    const brokers = new URL(kafka.through).host;
    const starting = start(GatewayModule, { DATABASE_URL: postgres.through, KAFKA_BROKERS: brokers, PORT: String(port) });
    const missing = async () =>
      ((await (await fetch(`http://127.0.0.1:${port}/health/ready`)).json()) as { missing: string[] }).missing.join();
    await eventually(async () => expect(await missing()).toMatch(/postgres: waiting: /));
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/told`)).status).toBe(503);
    postgres.proxy.restore();
    await eventually(async () => expect(await missing()).toMatch(/messaging: kafka: /));
    expect(await missing()).not.toMatch(/postgres/);
    kafka.proxy.restore();
    const { stop } = await starting;
    await eventually(async () => expect(await missing()).toBe(''));
    await stop();
    await Promise.all([postgres.proxy.close(), kafka.proxy.close()]);
  });

  it('works on what is owed and answers while its group has not let it in yet', async () => {
    const memory = new InMemoryEventLog();
    let letIn: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (letIn = resolve));
    const eventLog = Object.assign(Object.create(memory) as InMemoryEventLog, {
      consume: (how: ConsumeOptions) => waiting.then(() => memory.consume(how)),
    });
    const service = new RunningService(GatewayModule, { environment: environment(), onFatal: () => undefined, eventLog });
    const starting = service.start();
    await eventually(async () => expect((await fetch(`${service.url}/told`)).status).toBe(200));
    const ready = async () => (await (await fetch(`${service.url}/health/ready`)).json()) as { missing: string[] };
    expect((await ready()).missing.join()).toMatch(/not yet a member of its consumer group/);
    const messaging = service.app.get(Messaging);
    await messaging.transact(async ({ tx }) => void (await owe(tx, { kind: 'count', key: 'one', input: null })));
    const done = `select 1 from operation where kind = 'count' and state = 'done'`;
    await eventually(async () => expect(await service.app.get(Database).query(done)).toHaveLength(1));
    letIn();
    await starting;
    expect((await ready()).missing).toEqual([]);
    await service.stop();
  });

  it('can be told to stop while it waits', async () => {
    const { proxy, through } = await TcpProxy.before(database.url);
    proxy.refuse();
    const service = new RunningService(GatewayModule, { environment: environment({ DATABASE_URL: through }), onFatal: () => undefined });
    const starting = service.start();
    const refused = expect(starting).rejects.toThrow(Stopped);
    await eventually(() => proxy.refused > 0);
    await service.stop();
    await refused;
    await proxy.close();
  });

  it('stops and says so when its consumer dies', async () => {
    const memory = new InMemoryEventLog();
    let die: (error: Error) => void = () => undefined;
    const dying = Object.assign(Object.create(memory) as InMemoryEventLog, {
      consume(how: ConsumeOptions) {
        die = how.onDied;
        return memory.consume(how);
      },
    });
    const fatal: unknown[] = [];
    const { url } = await boot(GatewayModule, {
      environment: environment(),
      ownsProcess: false,
      eventLog: dying,
      onFatal: (error) => fatal.push(error),
    });
    die(new Error('rebalanced to death'));
    await eventually(() => expect(fatal).toEqual([expect.objectContaining({ message: 'rebalanced to death' })]));
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
    await memory.close();
  });

  it('does not wait for a Postgres that says no', async () => {
    const wrong = new URL(database.url);
    wrong.pathname = '/no_such_database';
    await expect(start(GatewayModule, { DATABASE_URL: wrong.href })).rejects.toThrow(/no_such_database/);
  });

  it.each([
    ['what its tables name are no providers', WithoutProviders, /OnTargetApplied is no provider[\s\S]*RunTell is no provider/],
    ['it leaves out what it must act on', WithoutSubscriptions, /approval\.granted must be acted on by production-rollout/],
    ['it is none', NoService, /NoService must import ServiceModule\.register/],
  ])('does not start when %s', async (_, root, says) => {
    await expect(start(root)).rejects.toThrow(says);
  });

  it('does not start with the key of another', async () => {
    await expect(start(GatewayModule, { SLIPWAY_KEY_FILE: keys.keyFiles.approval ?? '' })).rejects.toThrow(
      /is the key of approval; gateway needs/,
    );
  });
});
