import { LogAppended, type Service } from '@slipway/contracts';
import type { Signer } from '@slipway/identity';
import { v7 } from 'uuid';
import { headersOf, signed } from './envelope.js';
import type { EventLog } from './event-log.js';
import type { Chunk } from './log-chunks.js';
import type { TopicNames } from './topic-names.js';

/** Sends chunks past the outbox: signed as every event, without a sequence, for chunks have numbers of their own. */
export function logPublisher(by: { service: Service; log: EventLog; signer: Signer; topics: TopicNames }): (chunk: Chunk) => Promise<void> {
  return async (chunk) => {
    const value = Buffer.from(JSON.stringify(LogAppended.data.parse(chunk)), 'utf8');
    const headers = headersOf({
      id: v7(),
      source: by.service,
      type: LogAppended.type,
      time: new Date(),
      subject: chunk.release,
      correlationId: chunk.release,
    });
    await by.log.publish([{ topic: by.topics.of('logs'), key: chunk.release, value, headers: await signed(headers, value, by.signer) }]);
  };
}
