import {
  ApprovalGranted,
  CommandAccepted,
  CommandIssued,
  EventDeadLettered,
  type EventDefinition,
  PersonChanged,
  ProjectApplied,
  RolloutStarted,
  RolloutSucceeded,
  type Service,
} from '@slipway/contracts';
import type { InRecord } from '@slipway/messaging';
import { NotifierModule } from '@slipway/notifier';
import { anId, eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aSuite, byPolicy, operator, type Suite } from '../e2e/a-suite.js';
import { Ear } from './an-ear.js';
import { forgeriesOf } from './forging.js';

/** What would let somebody in, and who would act on it. */
const decisive: readonly { event: EventDefinition; believers: readonly Service[] }[] = [
  { event: ApprovalGranted, believers: ['test-deployer', 'production-rollout'] },
  { event: ProjectApplied, believers: ['source-watcher', 'image-builder', 'test-deployer', 'approval', 'production-rollout'] },
  { event: RolloutSucceeded, believers: ['approval', 'notifier'] },
  { event: PersonChanged, believers: ['approval', 'notifier'] },
  {
    event: CommandIssued,
    believers: ['source-watcher', 'image-builder', 'test-deployer', 'approval', 'production-rollout', 'notifier'],
  },
];

let suite: Suite;
let ear: Ear;

beforeAll(async () => {
  suite = await aSuite({ ports: '22800-22899', ear: 'gateway' });
  ear = await Ear.at(suite.stage.environment['SLIPWAY_TOPIC_PREFIX'] as string);
  await suite.stage.start(NotifierModule);
  await suite.apply({ environments: byPolicy });
  const command = anId();
  const action = { kind: 'source.refresh', project: suite.project } as const;
  const asked = { command, service: 'source-watcher', action, person: operator, role: 'operator', reason: 'a look' } as const;
  await ear.hears(RolloutSucceeded, ({ release }) => release.number === 1, 90_000);
  await suite.stage.say('gateway', CommandIssued, { subject: suite.project, data: asked });
  await ear.hears(CommandAccepted, (data) => data.command === command);
}, 150_000);
afterAll(async () => {
  await ear?.close();
  await suite?.clear();
}, 90_000);

/** The first of these that was truly said, as it lies in Kafka. */
function theTrue(event: EventDefinition): InRecord & { value: Buffer } {
  const found = ear.records.find(({ headers }) => headers['ce_type'] === event.type);
  if (!found?.value) throw new Error(`${event.name} was never said`);
  return { ...found, value: found.value };
}

/** Where the record with this mark lies, as dead letters name it. */
function placeOf(mark: string): string {
  const found = ear.records.find(({ headers }) => headers['mark'] === mark);
  if (!found) throw new Error(`${mark} has not been heard yet`);
  return `${found.topic}:${found.partition}:${found.offset}`;
}

describe.each(decisive)('a forged $event.name', ({ event, believers }) => {
  it('is refused by everyone who would act on it, however it was made', async () => {
    const forgeries = await forgeriesOf(theTrue(event), suite.stage.keys);
    const marked = Object.entries(forgeries).map(([how, record]) => ({ how, mark: v7(), record }));
    await ear.publish(marked.map(({ mark, record }) => ({ ...record, headers: { ...record.headers, mark } })));
    const refusals = () =>
      ear
        .all(EventDeadLettered)
        .map(({ service, topic, partition, offset, reason }) => ({ service, place: `${topic}:${partition}:${offset}`, reason }));
    for (const { how, mark } of marked) {
      await eventually(() => {
        const place = placeOf(mark);
        const found = refusals().filter((each) => each.place === place && each.reason.startsWith('bad-signature: '));
        expect(
          found.map(({ service }) => service),
          how,
        ).toEqual(expect.arrayContaining([...believers]));
      });
    }
  });
});

describe('afterwards', () => {
  it('nothing had come of any of it, nor of a true record said twice, and the next release goes its way', { timeout: 90_000 }, async () => {
    const truths = decisive.map(({ event }) => theTrue(event));
    await ear.publish(truths.map(({ topic, key, value, headers }) => ({ topic, key: key as string, value, headers })));
    await suite.repository.commit('two');
    const live = await ear.hears(RolloutSucceeded, ({ release }) => release.number === 2, 60_000);
    expect(await (await fetch(live.address)).text()).toBe('two');
    const forged = ear.records.filter(({ headers }) => headers['mark'] !== undefined);
    const theirs = new Set(truths.map(({ headers }) => headers['ce_id']));
    const invented = new Set(forged.map(({ headers }) => headers['ce_id']).filter((id) => !theirs.has(id)));
    expect(invented.size).toBe(decisive.length * 4);
    expect(ear.records.filter(({ headers }) => invented.has(headers['ce_causationid'] ?? ''))).toEqual([]);
    const honest = (event: EventDefinition) => ear.records.filter(({ headers }) => headers['ce_type'] === event.type && !headers['mark']);
    const starts = new Set(honest(RolloutStarted).map(({ headers }) => headers['ce_id']));
    expect(starts.size).toBe(2);
    expect(new Set(honest(CommandAccepted).map(({ headers }) => headers['ce_id'])).size).toBe(1);
    const places = new Set(forged.map(({ topic, partition, offset }) => `${topic}:${partition}:${offset}`));
    const buried = ear.all(EventDeadLettered).map(({ topic, partition, offset }) => `${topic}:${partition}:${offset}`);
    expect(buried.filter((place) => !places.has(place))).toEqual([]);
  });
});
