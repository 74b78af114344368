import { createRequire } from 'node:module';
import type { Passing } from './passing.ts';

interface Message {
  readonly headers?: Record<string, Buffer | string | undefined>;
}
interface Producer {
  sendBatch(batch: { topicMessages?: { topic: string; messages: Message[] }[] }): Promise<unknown>;
}
interface Consumer {
  run(config: { eachBatch?: (payload: { batch: { messages: Message[] } }) => Promise<void> }): Promise<void>;
}
interface KafkaPrototype {
  producer(...given: unknown[]): Producer;
  consumer(...given: unknown[]): Consumer;
}

/** What kind of event has an id, for those heard last. */
export type Types = (id: string) => string | undefined;

const mostRemembered = 5_000;

/** Sees what is sent, and of what kind the events are that come in. */
export function watchKafka(passing: Passing): Types {
  const { Kafka } = createRequire(import.meta.url)('kafkajs') as { Kafka: { prototype: KafkaPrototype } };
  const heard = new Map<string, string>();
  const { producer: makeProducer, consumer: makeConsumer } = Kafka.prototype;
  Kafka.prototype.producer = function (...given) {
    const producer = makeProducer.apply(this, given);
    const { sendBatch } = producer;
    producer.sendBatch = async (batch) => {
      const answer = await sendBatch.call(producer, batch);
      const names = new Set((batch.topicMessages ?? []).flatMap(({ messages }) => messages.map(nameOf)));
      for (const name of names) if (name !== undefined) passing.pass(`says ${name}`, 'after publish, before mark');
      return answer;
    };
    return producer;
  };
  Kafka.prototype.consumer = function (...given) {
    const consumer = makeConsumer.apply(this, given);
    const { run } = consumer;
    consumer.run = (config) => {
      const { eachBatch } = config;
      if (!eachBatch) return run.call(consumer, config);
      return run.call(consumer, {
        ...config,
        eachBatch: async (payload) => {
          for (const message of payload.batch.messages) remember(heard, message);
          await eachBatch(payload);
        },
      });
    };
    return consumer;
  };
  return (id) => heard.get(id);
}

function remember(heard: Map<string, string>, message: Message): void {
  const id = message.headers?.['ce_id'];
  const name = nameOf(message);
  if (id === undefined || name === undefined) return;
  heard.set(String(id), name);
  if (heard.size > mostRemembered) heard.delete(heard.keys().next().value as string);
}

/** `image.built` of `slipway.image.built.v1`. */
export function nameOf({ headers }: Message): string | undefined {
  return /^slipway\.(.+)\.v\d+$/.exec(String(headers?.['ce_type']))?.[1];
}
