import { z } from 'zod';

/** A UUIDv7: ids sort by the time they were made (RFC 9562, section 5.7). */
export const Id = z.uuid();
export type Id = z.infer<typeof Id>;

/** A moment in UTC, RFC 3339, e.g. `2026-11-23T05:00:00.000Z`. */
export const Time = z.iso.datetime();
export type Time = z.infer<typeof Time>;

/** The name of a project, environment or target: what DNS allows in a label, so that every target takes it (RFC 1123). */
export const Name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'use 1 to 40 lower-case letters, digits and dashes, no dash at either end');
export type Name = z.infer<typeof Name>;

/** The digest of an image manifest, `sha256:` and 64 hex digits (OCI image spec, descriptor). */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'use sha256: and 64 lower-case hex digits');
export type Digest = z.infer<typeof Digest>;

/** SHA-256 in hex of canonical JSON (RFC 8785). */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export type Sha256 = z.infer<typeof Sha256>;

/** What the source calls a revision: a Git commit id, a Subversion revision number, an image digest. */
export const Revision = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[A-Za-z0-9:]+$/);
export type Revision = z.infer<typeof Revision>;

/** A reference in full: `refs/heads/main`, `refs/tags/v1`; Subversion branches and tags are named alike. */
export const Ref = z.string().min(1).max(400);
export type Ref = z.infer<typeof Ref>;

/** Who a source says somebody is; nothing here was verified by Slipway. */
export const CommitIdentity = z.object({
  name: z.string().max(300),
  email: z.string().max(300).nullable(),
  account: z.string().max(300).nullable().default(null),
});
export type CommitIdentity = z.infer<typeof CommitIdentity>;

/** One commit as a source tells it. */
export const Commit = z.object({
  revision: Revision,
  author: CommitIdentity,
  committer: CommitIdentity.nullable(),
  coAuthors: z.array(CommitIdentity).max(50),
  message: z.string().max(4000),
  time: Time,
});
export type Commit = z.infer<typeof Commit>;

/** An image by digest, never by tag. */
export const ImageReference = z.object({ repository: z.string().min(1).max(400), digest: Digest });
export type ImageReference = z.infer<typeof ImageReference>;

export const ReleaseKind = z.enum(['commit', 'tag', 'image', 'configuration']);
export type ReleaseKind = z.infer<typeof ReleaseKind>;

/** What a release is from its birth on; every event of the main flow carries it, so that no reader has to have seen another event. */
export const Release = z.object({
  id: Id,
  project: Name,
  /** Counts up per project, from 1. */
  number: z.int().positive(),
  kind: ReleaseKind,
  ref: Ref,
  /** The branch whose order this release belongs to: its own, or the one a tag sits on. */
  line: z.string().min(1).max(400),
  revision: Revision,
  /**
   * Numbers of earlier releases whose commit contains this one: it is older than they are, whatever its own number says. Of more than 200 the oldest of each line, then
   * the newest. Of a configuration also what came to its line after the commit it is of.
   */
  ancestorOf: z.array(z.int().positive()).max(200),
  /** When the newest commit was made; lead time counts from here. */
  committedAt: Time,
});
export type Release = z.infer<typeof Release>;

/** A person as decisions and records name them. */
export const PersonReference = z.object({ id: Id, name: z.string().min(1).max(200) });
export type PersonReference = z.infer<typeof PersonReference>;

export const Role = z.enum(['developer', 'tester', 'operator', 'administrator', 'auditor']);
export type Role = z.infer<typeof Role>;

/** A reason in two halves: a code that programs and translations know, and a sentence for people. */
export const Reason = z.object({ code: z.string().regex(/^[a-z0-9-]+$/), message: z.string().max(4000) });
export type Reason = z.infer<typeof Reason>;

/** A DSSE envelope (secure-systems-lab/dsse, envelope.md): base64 payload, its type, and who signed. */
export const DsseEnvelope = z.object({
  payloadType: z.string(),
  payload: z.string(),
  signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })).min(1),
});
export type DsseEnvelope = z.infer<typeof DsseEnvelope>;

/** What one check found, with what it saw; `failed` is a no of the thing checked, `errored` is our own. */
export const CheckResult = z.object({
  check: z.string().max(400),
  outcome: z.enum(['passed', 'failed', 'errored']),
  message: z.string().max(4000),
  seconds: z.number().nonnegative(),
  /** The end of what it printed or answered. */
  output: z.array(z.string().max(2000)).max(100).default([]),
});
export type CheckResult = z.infer<typeof CheckResult>;

/** The subject and record key of what is about one environment: `shop/production`. */
export function environmentKey(project: string, environment: string): string {
  return `${project}/${environment}`;
}
