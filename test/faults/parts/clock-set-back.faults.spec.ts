import { KafkajsEventLog } from '@slipway/messaging';
import { aTopicPrefix, eventually, realParts } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';

const brokers = [...realParts().kafkaBrokers];
const admin = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING }).admin();
const sessionTimeoutMs = 6000;

afterEach(() => void vi.useRealTimers());
afterAll(async () => await admin.disconnect());

describe('a clock that is set back by ten minutes', () => {
  it('does not make a member of a group forget to say that it lives', { timeout: 60_000 }, async () => {
    const group = aTopicPrefix();
    const topic = `${group}a`;
    const log = new KafkajsEventLog({ brokers, clientId: 'set-back', logger: pino({ level: 'silent' }), sessionTimeoutMs });
    await log.ensureTopics([{ name: topic, partitions: 1, retention: { ms: 3_600_000 } }]);
    await admin.connect();
    const members = async () => (await admin.describeGroups([group])).groups[0]?.members.map(({ memberId }) => memberId) ?? [];
    try {
      const died = (error: Error): void => expect.unreachable(error.message);
      await log.consume({ group, topics: [topic], onBatch: async () => ({}), onDied: died });
      const before = await eventually(async () => ((await members()).length === 1 ? await members() : false), { within: 20_000 });
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 600_000 });
      const begun = performance.now();
      await eventually(
        async () => {
          expect(await members()).toEqual(before);
          return performance.now() - begun > 2 * sessionTimeoutMs;
        },
        { within: 3 * sessionTimeoutMs, every: 500 },
      );
      expect(await members()).toEqual(before);
    } finally {
      await log.close();
      await admin.deleteTopics({ topics: [topic] });
    }
  });
});
