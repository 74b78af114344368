import type { Service } from '@slipway/contracts';
import { payloadTypes } from '@slipway/identity';
import { type OutRecord, signedBytes } from '@slipway/messaging';
import { anId, type TestKeyRing } from '@slipway/testkit';
import { v7 } from 'uuid';

/** A record as it lies in Kafka. */
type Said = Pick<OutRecord, 'topic' | 'value' | 'headers'>;

/** How somebody who can write to Kafka, or has the key of one service, may try to make a record of another's. */
export async function forgeriesOf(said: Said, keys: TestKeyRing): Promise<Record<string, OutRecord>> {
  const before = said.headers['ce_subject'] as string;
  const subject = /^[0-9a-f-]{36}$/.test(before) ? anId() : `stolen-${v7().slice(-8)}`;
  const { ce_signature: signature = '', ...bare } = said.headers;
  const changed = { ...bare, ce_id: anId(), ce_subject: subject, ce_partitionkey: subject };
  // Where the data does not name its subject, something else in it is changed.
  const value = Buffer.from(String(said.value).replaceAll(before, subject).replace(/}$/, ',"forged":true}'));
  const record = (headers: Record<string, string>, bytes: Buffer): OutRecord => ({
    topic: said.topic,
    key: headers['ce_subject'] as string,
    value: bytes,
    headers,
  });
  const signedBy = async (service: Service, headers: Record<string, string>) => {
    const made = await keys.keys[service].signer.sign(payloadTypes.events, signedBytes(headers, value));
    return record({ ...headers, ce_signature: Buffer.from(JSON.stringify([made])).toString('base64url') }, value);
  };
  const other = said.headers['ce_source'] === 'approval' ? 'test-deployer' : 'approval';
  return {
    unsigned: record({ ...changed, ce_id: anId() }, value),
    'signed by the key of another service': await signedBy(other, { ...changed, ce_id: anId() }),
    'said by another service in its own name': await signedBy(other, { ...changed, ce_id: anId(), ce_source: other }),
    'a true one under another subject': record({ ...bare, ce_subject: subject, ce_signature: signature }, said.value),
    'a true one under another id': record({ ...bare, ce_id: anId(), ce_signature: signature }, said.value),
    'a true one with other data': record({ ...bare, ce_signature: signature }, value),
  };
}
