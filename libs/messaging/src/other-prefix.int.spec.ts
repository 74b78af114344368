import { randomUUID } from 'node:crypto';
import { eventually } from '@slipway/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NotYet, Unhandleable } from './failures.js';
import type { Handler, Received } from './received.js';
import { hearing, Ordered, Served, type TestService, TwoServices } from './two-services.contract.js';

let scene: TwoServices;
let handled: Received[];

beforeEach(async () => {
  [scene, handled] = [await TwoServices.build(), []];
}, 60_000);
afterEach(() => scene.demolish(), 60_000);

const serving: Handler<typeof Ordered> = {
  async handle(event, unit) {
    unit.publish(Served, { subject: event.subject, data: { what: event.data.what } });
    unit.tx.afterCommit(() => handled.push(event));
  },
};
const order = (by: TestService) =>
  by.messaging.transact(async (unit) => unit.publish(Ordered, { subject: randomUUID(), data: { what: 'x' } }));
const owed = async () => (await scene.rows('source-watcher', 'select * from $schema.handoff')).length;

async function startAnew(): Promise<TestService> {
  const topicPrefix = `${scene.prefix}anew.`;
  const [watcher, builder] = [
    await scene.replica('source-watcher', { topicPrefix }),
    await scene.replica('image-builder', { topicPrefix }),
  ];
  await Promise.all([watcher.messaging.start(hearing([], Served)), builder.messaging.start(new Map([[Ordered, serving]]))]);
  return builder;
}

it.each(['are still there', 'were deleted'])(
  'what is owed under another prefix is said under the new one, where the old topics %s',
  async (how) => {
    const watcher = await scene.replica('source-watcher');
    await watcher.messaging.start(hearing([], Served));
    const said = await order(watcher);
    await eventually(async () => (await scene.read('commits')).some(({ headers }) => headers['ce_id'] === said));
    await scene.stop(watcher);
    const silent = await scene.replica('source-watcher'); // its relay never runs
    const unsaid = await order(silent);
    await scene.rows('source-watcher', 'update $schema.outbox set published_at = null where event_id = $1', [unsaid]);
    await scene.stop(silent);
    if (how === 'were deleted')
      await scene.admin.deleteTopics({ topics: (await scene.admin.listTopics()).filter((topic) => topic.startsWith(scene.prefix)) });
    await startAnew();
    await eventually(async () => (await owed()) === 0, { within: 20_000 });
    expect(handled.map(({ id }) => id).sort()).toEqual([said, unsaid].sort());
  },
  60_000,
);

it('what was parked, and what was a dead letter, under another prefix is handled under the new one', async () => {
  const [watcher, builder] = [await scene.replica('source-watcher'), await scene.replica('image-builder')];
  await watcher.messaging.start(hearing([], Served));
  const reasons = [new NotYet('it is not known yet'), new Unhandleable('a row is broken')];
  const against = new Map<string, Error>();
  const refusing: Handler<typeof Ordered> = {
    async handle({ id }) {
      against.set(id, against.get(id) ?? (reasons.pop() as Error));
      throw against.get(id);
    },
  };
  await builder.messaging.start(new Map([[Ordered, refusing]]));
  const ids = [await order(watcher), await order(watcher)];
  await eventually(async () => (await owed()) === 0);
  await Promise.all([watcher, builder].map((service) => scene.stop(service)));
  const anew = await startAnew();
  const [letter, ...others] = await anew.messaging.deadLetters.list();
  expect([letter?.reason, others.length]).toEqual(['handler-failed', 0]);
  expect(await anew.messaging.deadLetters.replay(letter?.id as string, 'me')).toEqual({ ok: true });
  await eventually(() => ids.every((id) => handled.some((event) => event.id === id)));
  expect(await anew.messaging.deadLetters.list()).toEqual([]);
}, 60_000);
