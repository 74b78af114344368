import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { TargetApplied } from '@slipway/contracts';
import { Messaging } from '@slipway/messaging';
import { type Outcome, owe, type Work } from '@slipway/operations';
import { schemaOf } from '@slipway/postgres';
import { aDatabase, aKeyRing, aTopicPrefix, eventually, freePort, realParts } from '@slipway/testkit';
import { v7 } from 'uuid';
import { expect, it, onTestFinished } from 'vitest';
import { boot, ServiceModule } from './index.js';
import { RunningService } from './running-service.js';
import { Stopped } from './waiting.js';

let worked = 0;

@Injectable()
class RunAnything implements Work {
  readonly kind = 'anything';
  readonly callTimeoutMs = 1_000;
  async run(): Promise<Outcome> {
    worked++;
    return { done: true };
  }
}

@Controller()
class Hello {
  @Get('hello')
  hello(): string {
    return 'hello';
  }
}

@Module({
  imports: [ServiceModule.register({ name: 'gateway', works: [RunAnything] })],
  providers: [RunAnything],
  controllers: [Hello],
})
class GatewayModule {}

it('a service with a database older than what it has said answers nobody, works on nothing, says why, and can be stopped', async () => {
  const [database, keys] = await Promise.all([aDatabase(), aKeyRing()]);
  onTestFinished(async () => void (await Promise.all([database.drop(), keys.drop()])));
  const port = await freePort();
  const environment = {
    KAFKA_BROKERS: realParts().kafkaBrokers.join(','),
    DATABASE_URL: database.url,
    SLIPWAY_DATA_DIR: keys.dir,
    SLIPWAY_TOPIC_PREFIX: aTopicPrefix(),
    SLIPWAY_LOG_LEVEL: 'silent',
    PORT: String(port),
  };
  const schema = schemaOf('gateway');
  const before = await boot(GatewayModule, { environment, ownsProcess: false });
  const messaging = before.app.get(Messaging);
  const by = { id: v7(), name: 'ada', email: null };
  const file = { apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name: 'lab' }, spec: { docker: {} } } as const;
  await messaging.transact(async (unit) =>
    unit.publish(TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file, by } as never }),
  );
  await messaging.transact(async ({ tx }) => void (await owe(tx, { kind: 'anything', key: 'one', input: null })));
  await eventually(() => worked === 1);
  await eventually(async () => (await database.query(`select 1 from ${schema}.outbox where published_at is null`)).length === 0);
  await before.stop();
  // As before anything of this was.
  await database.query(`truncate ${schema}.outbox, ${schema}.sequence, ${schema}.said_place`);
  await database.query(`update ${schema}.operation set state = 'ready', due_at = now(), finished_at = null`);

  const service = new RunningService(GatewayModule, { environment, onFatal: () => undefined });
  const refused = expect(service.start()).rejects.toThrow(Stopped);
  const ask = async (path: string) => await fetch(`http://127.0.0.1:${port}${path}`);
  await eventually(async () =>
    expect(await (await ask('/health/ready')).text()).toMatch(
      /messaging: the database is older than what gateway has said, .*target\.applied/,
    ),
  );
  expect([(await ask('/health/live')).status, (await ask('/hello')).status]).toEqual([200, 503]);
  const metrics = await (await ask('/metrics')).text();
  expect(metrics).toContain('slipway_database_older 1');
  expect(metrics).toContain('slipway_service_ready 0');
  await service.stop();
  await refused;
  expect(worked).toBe(1);
});
