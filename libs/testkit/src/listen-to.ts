import type { ConsumeOptions, EventLog, Running } from '@slipway/messaging';

/** A member of a group, what it heard, and what it died of. */
export interface Listener {
  readonly running: Running;
  readonly heard: readonly string[];
  readonly died: readonly Error[];
}

/** Makes the topic and a member of a group of the same name, which takes whatever lies on it and keeps the values. */
export async function listenTo(log: EventLog, topic: string, more: Partial<ConsumeOptions> = {}): Promise<Listener> {
  const [heard, died]: [string[], Error[]] = [[], []];
  await log.ensureTopics([{ name: topic, partitions: 1, retention: { ms: 3_600_000 } }]);
  const running = await log.consume({
    group: topic,
    topics: [topic],
    onBatch: async (records, control) => {
      for (const record of records) {
        heard.push(String(record.value));
        control.done(record);
      }
      return {};
    },
    onDied: (error) => died.push(error),
    ...more,
  });
  return { running, heard, died };
}
