import { Injectable, Module } from '@nestjs/common';
import {
  CommandAccepted,
  type CommandAction,
  CommandIssued,
  CommandRefused,
  EventDeadLettered,
  PersonChanged,
  type Service,
  TargetApplied,
} from '@slipway/contracts';
import { type Handler, Messaging, type Received, Unhandleable } from '@slipway/messaging';
import { anId, aPerson, aTargetFile } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Booted, on, ServiceModule, subscribe } from './index.js';

/** Targets no handler takes yet, and those that were taken, by service. */
const broken = new Set<string>();
const taken: string[] = [];
/** Commands the services' own handlers were shown. */
const shown: string[] = [];

@Injectable()
class OnTargetApplied implements Handler<typeof TargetApplied> {
  async handle({ subject }: Received<typeof TargetApplied>): Promise<void> {
    if (broken.has(subject)) throw new Unhandleable(`${subject} is more than I understand`);
    taken.push(subject);
  }
}

@Injectable()
class NotifierOnCommand implements Handler<typeof CommandIssued> {
  async handle({ data }: Received<typeof CommandIssued>): Promise<void> {
    shown.push(`notifier ${data.command}`);
  }
}

/** A notifier must hear of people; this one has no use for it. */
@Injectable()
class OnPersonChanged implements Handler<typeof PersonChanged> {
  async handle(): Promise<void> {}
}

@Injectable()
class GatewayOnCommand implements Handler<typeof CommandIssued> {
  async handle({ data }: Received<typeof CommandIssued>): Promise<void> {
    shown.push(`gateway ${data.command}`);
  }
}

const targets = on(TargetApplied, OnTargetApplied);
@Module({
  imports: [
    ServiceModule.register({
      name: 'notifier',
      subscriptions: subscribe('notifier', [targets, on(CommandIssued, NotifierOnCommand), on(PersonChanged, OnPersonChanged)]),
    }),
  ],
  providers: [OnTargetApplied, NotifierOnCommand, OnPersonChanged],
})
class NotifierModule {}

@Module({
  imports: [
    ServiceModule.register({
      name: 'gateway',
      subscriptions: subscribe('gateway', [targets, on(CommandIssued, GatewayOnCommand, { record: true })]),
    }),
  ],
  providers: [OnTargetApplied, GatewayOnCommand],
})
class GatewayModule {}

const person = aPerson({ name: 'Otto Operator' });
let stage: Stage;
let gateway: Booted;

beforeAll(async () => {
  stage = await aStage({ ear: 'approval' });
  [gateway] = await Promise.all([stage.start(GatewayModule), stage.start(NotifierModule)]);
});
afterAll(() => stage.clear());

/** Says a target that neither service can take, and gives the place of the dead letter that this service made of it. */
async function buried(service: Service): Promise<{ target: string; id: string }> {
  const target = `t-${v7().slice(-8)}`;
  broken.add(target);
  const data = { target, version: 1, file: aTargetFile(), by: person };
  const event = await gateway.app.get(Messaging).transact(async (unit) => unit.publish(TargetApplied, { subject: target, data }));
  const letter = await stage.hears(EventDeadLettered, (each) => each.service === service && each.event === event);
  return { target, id: `${letter.topic}:${letter.partition}:${letter.offset}` };
}

async function commanded(service: Service, action: CommandAction): Promise<string> {
  const command = anId();
  const data = { command, service, action, person, role: 'operator' as const, reason: 'it was mended' };
  await gateway.app.get(Messaging).transact(async (unit) => unit.publish(CommandIssued, { subject: 'installation', data }));
  return command;
}

describe.each(['notifier', 'gateway'] as const)('what is commanded about a dead letter of %s', (service) => {
  it('is carried out: replayed once what was wrong is mended, and only once', async () => {
    const { target, id } = await buried(service);
    const early = await commanded(service, { kind: 'dead-letter.replay', service, id });
    const no = await stage.hears(CommandRefused, ({ command }) => command === early);
    expect(no.reason).toMatchObject({ code: 'dead-letter-stays', message: expect.stringContaining('more than I understand') });
    broken.delete(target);
    const replayed = await commanded(service, { kind: 'dead-letter.replay', service, id });
    await stage.hears(CommandAccepted, ({ command }) => command === replayed);
    expect(taken.filter((each) => each === target)).toHaveLength(1);
    const again = await commanded(service, { kind: 'dead-letter.replay', service, id });
    const refused = await stage.hears(CommandRefused, ({ command }) => command === again);
    expect(refused.reason.message).toBe('it was replayed before');
    const answers = stage.heard.filter(({ data }) => (data as { command?: string }).command === replayed);
    expect(answers.map(({ name, source }) => `${name} by ${source}`)).toEqual([
      'command.issued by gateway',
      `command.accepted by ${service}`,
    ]);
  });

  it('is carried out: given up with the reason, and cannot be replayed then', async () => {
    const { target, id } = await buried(service);
    const discarded = await commanded(service, { kind: 'dead-letter.discard', service, id });
    await stage.hears(CommandAccepted, ({ command }) => command === discarded);
    broken.delete(target);
    const replayed = await commanded(service, { kind: 'dead-letter.replay', service, id });
    const refused = await stage.hears(CommandRefused, ({ command }) => command === replayed);
    expect(refused.reason.message).toBe('it was discarded before');
    expect(taken).not.toContain(target);
  });

  it.each(['slipway.commands:0:123456', 'nonsense', '::', `${'x'.repeat(90)}:1:1`])('is refused where there is none: %s', async (id) => {
    const command = await commanded(service, { kind: 'dead-letter.discard', service, id });
    const refused = await stage.hears(CommandRefused, (data) => data.command === command);
    expect(refused.reason.message).toBe(`there is no dead letter ${id}`);
  });

  it('is shown only to a handler that keeps a record of all', async () => {
    const about = await commanded(service, { kind: 'dead-letter.discard', service, id: 'none' });
    const other = await commanded(service, { kind: 'source.refresh', project: 'shop' });
    await stage.hears(CommandRefused, ({ command }) => command === about);
    await expect.poll(() => shown, { timeout: 10_000 }).toContain(`${service} ${other}`);
    expect(shown.includes(`${service} ${about}`)).toBe(service === 'gateway');
  });
});
