import { attestationPayloadType, grantPayloadType } from '@slipway/contracts';
import { z } from 'zod';

/** What a service key can be trusted with. A key that may sign events may not therefore sign grants. */
export const Purpose = z.enum([
  'events',
  'commit-identities',
  'provenance',
  'verdict',
  'grant',
  'rollout-outcome',
  'gate-decision',
  'sign-off',
  'audit-head',
]);
export type Purpose = z.infer<typeof Purpose>;

/** The DSSE payload type of each purpose. Provenance keeps in-toto's own, so that other tools can read it. */
export const payloadTypes = {
  events: 'application/vnd.slipway.event+json;version=1',
  'commit-identities': 'application/vnd.slipway.commit-identities+json;version=1',
  provenance: 'application/vnd.in-toto+json',
  verdict: 'application/vnd.slipway.verdict+json;version=1',
  grant: grantPayloadType,
  'rollout-outcome': 'application/vnd.slipway.rollout-outcome+json;version=1',
  'gate-decision': 'application/vnd.slipway.gate-decision+json;version=1',
  'sign-off': attestationPayloadType,
  'audit-head': 'application/vnd.slipway.audit-head+json;version=1',
} as const satisfies Record<Purpose, string>;

const purposes = new Map<string, Purpose>(Object.entries(payloadTypes).map(([purpose, type]) => [type, Purpose.parse(purpose)]));

/** The purpose a payload type stands for; undefined for a type no key of ours may sign. */
export function purposeOf(payloadType: string): Purpose | undefined {
  return purposes.get(payloadType);
}
