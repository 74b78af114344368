import { randomUUID } from 'node:crypto';
import type { EventDefinition } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { NotYet } from './failures.js';
import type { Handler, Received } from './received.js';
import { hearing, Ordered, quick, TwoServices } from './two-services.contract.js';

let scene: TwoServices;

beforeEach(async () => {
  scene = await TwoServices.build();
}, 60_000);
afterEach(() => scene.demolish(), 60_000);

const old = { ...Ordered, data: z.strictObject({ what: z.string() }) } satisfies EventDefinition;
/** Says more in the same version: nobody had to be asked, as a key was only added. */
const richer = { ...Ordered, data: z.strictObject({ what: z.string(), later: z.string().optional() }) } satisfies EventDefinition;
const next = { ...richer, version: 2, type: 'slipway.test.ordered.v2', upcast: { 1: (data: unknown) => data } } satisfies EventDefinition;

it('two versions of a service side by side: the older puts aside what is newer than it, until there is one that understands it', async () => {
  const [watcher, older, newer] = [
    await scene.replica('source-watcher'),
    await scene.replica('image-builder'),
    await scene.replica('image-builder'),
  ];
  const [byOlder, byNewer]: [Received[], Received[]] = [[], []];
  await watcher.messaging.start(new Map());
  await older.messaging.start(hearing(byOlder, old as typeof Ordered));
  const say = (event: EventDefinition, data: object) =>
    watcher.messaging.transact(async (unit) => unit.publish(event, { subject: randomUUID(), data }));
  const plain = await say(richer, { what: 'plain' });
  const more = [await say(richer, { what: 'with more', later: 'to do' }), await say(next, { what: 'of the next version' })];
  const parked = () =>
    scene.rows<{ reason: string; tries: number }>('image-builder', 'select reason, tries from $schema.parked order by tries');
  await eventually(async () => {
    const [least, most] = await parked();
    return (most?.tries ?? 0) > 1 && least?.reason === 'newer-version' && most?.reason === 'newer-version';
  });
  await newer.messaging.start(hearing(byNewer, next as unknown as typeof Ordered));
  await eventually(() => more.every((id) => byNewer.some((event) => event.id === id)), { within: 20_000 });
  expect(await parked()).toEqual([]);
  expect(byOlder.map(({ id }) => id)).toEqual([plain]);
  expect(await older.messaging.deadLetters.list()).toEqual([]);
}, 60_000);

it('what comes too early is given up after a while, but not as long as something newer than the code waits, which may be what it waits for', async () => {
  const heard: Received[] = [];
  const born: Handler = {
    handle: async (event) => {
      if (!heard.some(({ subject }) => subject === 'file')) throw new NotYet('its file has not been heard');
      heard.push(event);
    },
  };
  const timing = { ...quick, parkedGiveUpMs: 1 };
  const [watcher, older] = [await scene.replica('source-watcher'), await scene.replica('image-builder', { timing })];
  await watcher.messaging.start(new Map());
  await older.messaging.start(new Map([[old as EventDefinition, born]]));
  const say = (event: EventDefinition, subject: string, data: object) =>
    watcher.messaging.transact(async (unit) => unit.publish(event, { subject, data }));
  const triesOf = async (id: string) =>
    (await scene.rows<{ tries: number }>('image-builder', 'select tries from $schema.parked where event_id = $1', [id]))[0]?.tries ?? 0;
  const givenUp = () => older.messaging.deadLetters.list();
  const lost = await say(richer, 'lost', { what: 'waits for nothing' });
  await eventually(async () => expect(await givenUp()).toMatchObject([{ eventId: lost, reason: 'given-up' }]));
  await say(next, 'file', { what: 'of the next version' });
  const waits = await say(richer, 'born', { what: 'under that file' });
  await eventually(async () => (await triesOf(waits)) > 2);
  const newer = await scene.replica('image-builder', { timing });
  await newer.messaging.start(hearing(heard, next as unknown as typeof Ordered));
  await eventually(() => heard.some(({ id }) => id === waits), { within: 20_000 });
  expect(await givenUp()).toHaveLength(1);
}, 60_000);
