import { type DsseEnvelope, GrantStatement, VerdictStatement } from '@slipway/contracts';
import { z } from 'zod';
import { digestOf } from './canonical-json.js';
import { open } from './sealed.js';
import type { Trust } from './trust.js';

/** Why an envelope proves nothing, in words for an operator. */
export interface Unproven {
  readonly ok: false;
  readonly reason: string;
}

/** The parts of an in-toto Statement v1 that say what was built (in-toto/attestation, spec/v1/statement.md). */
const ProvenanceStatement = z.object({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(z.object({ digest: z.object({ sha256: z.string() }) })).min(1),
  predicateType: z.literal('https://slsa.dev/provenance/v1'),
});

/** Whether image-builder says where the image of this digest comes from. `at` is when that was heard. Never throws. */
export function proveProvenance(trust: Trust, envelope: DsseEnvelope, digest: string, at?: Date): { readonly ok: true } | Unproven {
  const opened = open(trust, envelope, { purpose: 'provenance', service: 'image-builder', at });
  if (!opened.ok) return opened;
  const statement = ProvenanceStatement.safeParse(opened.content);
  if (!statement.success) return { ok: false, reason: z.prettifyError(statement.error) };
  return statement.data.subject.some((subject) => `sha256:${subject.digest.sha256}` === digest)
    ? { ok: true }
    : { ok: false, reason: `the provenance is of another image than ${digest}` };
}

/** Whether test-deployer says that this release, with the image of this digest, passed its checks. `at` is when that was heard. Never throws. */
export function proveVerdict(
  trust: Trust,
  envelope: DsseEnvelope,
  of: { readonly release: string; readonly digest: string },
  at?: Date,
): { readonly ok: true; readonly statement: VerdictStatement } | Unproven {
  const opened = open(trust, envelope, { purpose: 'verdict', service: 'test-deployer', at });
  if (!opened.ok) return opened;
  const statement = VerdictStatement.safeParse(opened.content);
  if (!statement.success) return { ok: false, reason: z.prettifyError(statement.error) };
  const { release, image } = statement.data;
  if (release !== of.release) return { ok: false, reason: 'the verdict is of another release' };
  return image.digest === of.digest
    ? { ok: true, statement: statement.data }
    : { ok: false, reason: `the verdict is of another image than ${of.digest}` };
}

/** Whether approval let exactly the deployment in that this grant names. `at` is when that was heard. Never throws. */
export function proveGrant(
  trust: Trust,
  envelope: DsseEnvelope,
  at?: Date,
): { readonly ok: true; readonly statement: GrantStatement } | Unproven {
  const opened = open(trust, envelope, { purpose: 'grant', service: 'approval', at });
  if (!opened.ok) return opened;
  const statement = GrantStatement.safeParse(opened.content);
  if (!statement.success) return { ok: false, reason: z.prettifyError(statement.error) };
  const { deployment, asks } = statement.data;
  return digestOf(deployment) === asks
    ? { ok: true, statement: statement.data }
    : { ok: false, reason: 'the deployment in the grant is not the one that was asked for' };
}
