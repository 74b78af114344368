import { GatewayModule, subscriptions as ofGateway } from '@slipway/gateway';
import { NotifierModule, subscriptions as ofNotifier } from '@slipway/notifier';
import { subscriptions as ofTestDeployer, TestDeployerModule } from '@slipway/test-deployer';
import { anId, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listener, type Role } from './a-listener.js';
import { aStory, type Told } from './a-story.js';

/** Nobody listens there: what is owed stays owed, and can be looked at. */
const nobody = '127.0.0.1:1';

/** Services whose handlers are put through what Kafka and crashes may do to them. */
const listeners: (Role & { events: Told['event'][] })[] = [
  {
    service: 'notifier',
    module: NotifierModule,
    events: ofNotifier.entries.map(({ event }) => event),
    settings: { SLIPWAY_SMTP_URL: `smtp://${nobody}`, SLIPWAY_SMTP_FROM: 'slipway@shop.example' },
  },
  {
    service: 'test-deployer',
    module: TestDeployerModule,
    events: ofTestDeployer.entries.map(({ event }) => event),
    settings: { DOCKER_HOST: `tcp://${nobody}` },
  },
  { service: 'gateway', module: GatewayModule, events: ofGateway.entries.map(({ event }) => event), settings: {} },
];

describe.each(listeners)('every handler of $service', (listener) => {
  const story = aStory(listener.events, listener.service);
  let calm: Listener;
  let shaken: Listener;

  beforeAll(async () => {
    [calm, shaken] = await Promise.all([Listener.of(listener), Listener.of(listener)]);
  });
  afterAll(() => Promise.all([calm?.clear(), shaken?.clear()]));

  it('does what it does once, in whatever order and however often events come, and however often it crashes at the end', {
    timeout: 120_000,
  }, async () => {
    await shaken.crashes();
    await Promise.all([calm.hears(story), shaken.hears([...story].reverse(), 2)]);
    await eventually(async () => expect(await shaken.outcome(story)).toEqual(await calm.outcome(story)), { within: 20_000 });
    expect(await shaken.crashed()).toBeGreaterThan(story.length);
    expect([await calm.deadLetters(), await shaken.deadLetters()]).toEqual([[], []]);
  });

  it('lays aside what makes no sense, and goes on with what comes after it', { timeout: 60_000 }, async () => {
    const poison = story.map((told) => ({ ...told, id: anId(), value: Buffer.from('{"poison": true}') }));
    const more = story.map((told) => ({ ...told, id: anId() }));
    await calm.takesIn(poison.flatMap((told, at) => [told, more[at] as Told]));
    const expected = poison.map(({ id }) => ({ event_id: id, reason: 'bad-data' }));
    expect(await calm.deadLetters()).toEqual(expected.sort((one, other) => (one.event_id < other.event_id ? -1 : 1)));
  });
});
