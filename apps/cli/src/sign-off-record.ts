import { randomBytes, randomUUID } from 'node:crypto';
import { SignOffPosted } from '@slipway/contracts';
import { keyIdOf, type PersonPrivateJwk, signSignOff } from '@slipway/identity';

/** A Kafka record, ready to be produced by any tool: the key and the value as text, headers by name. */
export interface SignOffRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

/** What somebody decides about a request. */
export interface Decision {
  readonly request: string;
  readonly asks: string;
  readonly release: string;
  readonly person: string;
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
}

/** Signs a decision with a person's own key, as the `sign-off.posted` event that approval believes without any gateway (design part 3). Good once, for five minutes. */
export async function signOffRecord(
  key: PersonPrivateJwk,
  { release, ...said }: Decision,
  now: Date,
  topicPrefix: string,
): Promise<SignOffRecord> {
  const time = now.toISOString();
  const jws = await signSignOff(key, { ...said, time, nonce: randomBytes(18).toString('base64url') });
  const data = SignOffPosted.data.parse({ request: said.request, proof: { via: 'key', keyId: keyIdOf(key), jws } });
  return {
    topic: `${topicPrefix}${SignOffPosted.topic}`,
    key: release,
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: `people/${said.person}`,
      ce_type: SignOffPosted.type,
      ce_subject: release,
      ce_time: time,
      'content-type': 'application/json',
    },
    value: JSON.stringify(data),
  };
}
