import { EventDeadLettered, type EventDefinition, SignOffAccepted, SignOffRefused } from '@slipway/contracts';
import { payloadTypes, type ServiceKey } from '@slipway/identity';
import { type InRecord, type OutRecord, signedBytes } from '@slipway/messaging';
import { eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import type { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';

/** A record as anybody who may write to Kafka can make it; it is signed by nobody. */
export function recordOf(event: EventDefinition, subject: string, data: object, { id = v7(), source = 'outside' } = {}): OutRecord {
  const headers = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: source,
    ce_type: event.type,
    ce_time: new Date().toISOString(),
    ce_subject: subject,
    ce_partitionkey: subject,
  };
  return { topic: `${attacked().topicPrefix}${event.topic}`, key: subject, value: Buffer.from(JSON.stringify(data)), headers };
}

/** The same, signed by the key of a service. */
export async function signedBy(key: ServiceKey, record: OutRecord): Promise<OutRecord> {
  const made = await key.signer.sign(payloadTypes.events, signedBytes(record.headers, record.value as Buffer));
  return { ...record, headers: { ...record.headers, ce_signature: Buffer.from(JSON.stringify([made])).toString('base64url') } };
}

/** Why the record with this id is among the dead letters of some service, without the details; undefined where it is not. */
export function deadOf(ear: Ear, id: string): string | undefined {
  const found = ear.records.find(({ headers }) => headers['ce_id'] === id);
  const dead =
    found &&
    ear
      .all(EventDeadLettered)
      .find(({ topic, partition, offset }) => topic === found.topic && partition === found.partition && offset === found.offset);
  return dead && `dead letter: ${dead.reason.split(':', 1)[0]}`;
}

/** The code with which the sign-off posted as this event was refused, or `accepted`, or its dead letter. */
export function answerTo(ear: Ear, id: string): Promise<string> {
  return eventually(
    () => {
      const refused = ear.all(SignOffRefused).find((data) => data.posted === id);
      if (refused) return refused.reason.code;
      const accepted = ({ headers }: InRecord) => headers['ce_type'] === SignOffAccepted.type && headers['ce_causationid'] === id;
      return ear.records.some(accepted) ? 'accepted' : (deadOf(ear, id) ?? false);
    },
    { within: 20_000 },
  );
}

/** Waits for a record that fits. */
export function heard(ear: Ear, fits: (record: InRecord) => boolean): Promise<InRecord> {
  return eventually(() => ear.records.find(fits) ?? false, { within: 60_000 });
}
