import { catalog } from '@slipway/contracts';
import { GatewayModule } from '@slipway/gateway';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listener } from './a-listener.js';
import { aStory, recordOf } from './a-story.js';
import { forgeriesOf } from './forging.js';

/** All that one service alone may say. */
const events = [...catalog.values()].filter(({ writer }) => writer !== 'every' && writer !== 'outside');

describe('the gateway, which hears everything', () => {
  let gateway: Listener;

  beforeAll(async () => {
    gateway = await Listener.of({ service: 'gateway', module: GatewayModule, settings: {} });
  });
  afterAll(() => gateway?.clear());

  it('believes no event that was forged, however it was made, and keeps none', { timeout: 150_000 }, async () => {
    const { keys, environment } = gateway.stage;
    const story = aStory(events, 'gateway');
    await gateway.takesIn(story);
    const truths = await Promise.all(story.map((told) => recordOf(told, keys, environment['SLIPWAY_TOPIC_PREFIX'] as string)));
    const forged = (await Promise.all(truths.map((record) => forgeriesOf(record, keys)))).flatMap((each) => Object.values(each));
    const kept = () =>
      gateway.rows<{ event_id: string }>("select event_id from $schema.journal where name not like 'event.%' order by event_id");
    const ledger = async () => (await gateway.outcome(story)).filter((row) => !/^dead_letter_told|event\.(noted|dead-lettered)/.test(row));
    const before = await ledger();
    await gateway.ear.publish(forged);
    await eventually(async () => expect((await gateway.deadLetters()).length).toBe(forged.length), { within: 90_000, every: 200 });
    expect(new Set((await gateway.deadLetters()).map(({ reason }) => reason))).toEqual(new Set(['bad-signature']));
    expect((await kept()).map(({ event_id }) => event_id)).toEqual(story.map(({ id }) => id).sort());
    expect(await ledger()).toEqual(before);
  });
});
