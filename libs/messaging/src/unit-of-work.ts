import { type EventDefinition, type Service, topicOf } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import { v7 } from 'uuid';
import { z } from 'zod';
import { newTraceparent } from './envelope.js';
import type { Outbox, Unsent } from './outbox.js';
import { maxValueBytes } from './reading.js';
import type { Cause, Said, UnitOfWork } from './received.js';
import { shardOf } from './shard.js';
import { isHandedOffBy, type TopicNames } from './topic-names.js';

/** Who speaks, and where to. */
export interface Speaker {
  readonly service: Service;
  readonly topics: TopicNames;
  readonly shards: number;
  readonly outbox: Outbox;
}

/** A unit of work of a transaction: gathers what is said, which the transaction writes at its end, in one statement. */
export class OpenUnit implements UnitOfWork {
  readonly said: Unsent[] = [];

  constructor(
    readonly tx: Tx,
    readonly now: Date,
    private readonly speaker: Speaker,
    private readonly cause: Cause,
  ) {}

  publish<E extends EventDefinition>(event: E, said: Said<E>): string {
    const { service, topics, shards } = this.speaker;
    if (event.writer !== service && event.writer !== 'every' && event.writer !== 'outside') {
      throw new Error(`${service} can't say ${event.name}: only ${event.writer} does`);
    }
    if (said.subject.length === 0 || said.subject.length > 500) throw new Error(`${event.name}: subject must have 1 to 500 characters`);
    const fits = event.data.safeParse(said.data);
    if (!fits.success) throw new Error(`${event.name} of ${service} does not fit its contract:\n${z.prettifyError(fits.error)}`);
    const value = JSON.stringify(fits.data);
    const bytes = Buffer.byteLength(value, 'utf8');
    if (bytes >= maxValueBytes)
      throw new Error(`${event.name} about ${said.subject} is ${bytes} bytes; data must stay below ${maxValueBytes}`);
    const id = said.id ?? v7();
    this.said.push({
      topic: topics.of(topicOf(event, service)),
      shard: shardOf(said.subject, shards),
      value,
      owedBy: isHandedOffBy(service, event) ? event.actedOnBy : [],
      attributes: {
        id,
        source: service,
        type: event.type,
        time: this.now,
        subject: said.subject,
        correlationId: said.correlationId ?? this.cause.correlationId,
        causationId: said.causationId ?? this.cause.causationId,
        traceparent: newTraceparent(this.cause.traceparent),
      },
    });
    return id;
  }

  /** Whether something was said because of that event. */
  hasAnswered(eventId: string): boolean {
    return this.said.some(({ attributes }) => attributes.causationId === eventId);
  }
}
