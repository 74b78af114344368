import { randomBytes, randomUUID } from 'node:crypto';
import { SignOffPosted } from '@slipway/contracts';
import { signSignOff } from '@slipway/identity';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaAt } from '../parts/kafka-access.ts';
import type { Actor } from './cast.ts';

/** What a person needs to know of a request to sign it. */
export interface Asked {
  request: string;
  asks: string;
  release: { id: string };
}

/**
 * Posts a person's decision straight to the `sign-offs` topic, as a tool of theirs would: nothing but a CloudEvent and a proof by the key that never left
 * them. The gateway has no part in it.
 */
export async function postSignOff(brokers: string, topicPrefix: string, person: Actor, asked: Asked, comment: string): Promise<void> {
  if (person.key === undefined) throw new Error(`${person.name} has registered no key`);
  const claims = {
    request: asked.request,
    asks: asked.asks,
    decision: 'approve' as const,
    comment,
    time: new Date().toISOString(),
    nonce: randomBytes(18).toString('base64url'),
    person: person.id,
  };
  const jws = await signSignOff(person.key.privateJwk, claims);
  const data = SignOffPosted.data.parse({ request: asked.request, proof: { via: 'key', keyId: person.key.keyId, jws } });
  const headers = {
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: `people/${person.account}`,
    ce_type: SignOffPosted.type,
    ce_subject: asked.release.id,
    ce_time: claims.time,
    'content-type': 'application/json',
  };
  const kafka = new Kafka({
    clientId: 'omars-own-tool',
    ...kafkaAt(brokers),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5000,
    requestTimeout: 10_000,
    retry: { retries: 3 },
  });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({
      topic: `${topicPrefix}sign-offs`,
      acks: -1,
      messages: [{ key: asked.release.id, value: JSON.stringify(data), headers }],
    });
  } finally {
    await producer.disconnect();
  }
}
